import { mdiAlertCircle, mdiArchiveRemoveOutline, mdiCancel, mdiCheckCircle, mdiHammerWrench, mdiShieldLockOutline, mdiTimerSand } from '@mdi/js'

import type { BuildView, FailureClass, Status } from '@/api/types'

interface StatusLook {
  word: string
  icon: string
  colour: 'info' | 'success' | 'error' | 'warning'
}

export const statusLook = {
  new: { word: 'queued', icon: mdiTimerSand, colour: 'info' },
  building: { word: 'building', icon: mdiHammerWrench, colour: 'info' },
  success: { word: 'ready', icon: mdiCheckCircle, colour: 'success' },
  failed: { word: 'failed', icon: mdiAlertCircle, colour: 'error' },
  cancelled: { word: 'cancelled', icon: mdiCancel, colour: 'warning' },
} satisfies Record<Status, StatusLook>

/** A success whose binary was removed by retention. */
export const expiredLook: StatusLook = { word: 'expired', icon: mdiArchiveRemoveOutline, colour: 'warning' }

/** A success whose binary isn't served, because the operator blocks a module in it. */
export const blockedLook: StatusLook = { word: 'blocked', icon: mdiShieldLockOutline, colour: 'error' }

export const isFinished = (status: Status): boolean => status !== 'new' && status !== 'building'

/** A request makes sense: there is no binary, and no build is running. A failed build would only fail again. */
export const isOpen = (status: Status | undefined, expired: boolean): boolean => status === undefined || status === 'cancelled' || (status === 'success' && expired)

interface FailureWords {
  title: string
  /** What can be done, and by whom. */
  advice: string
}

export const failureWords = {
  input: {
    title: 'What was requested can’t be built',
    advice: 'The message below says which package or module, and why: correct its path or its version, or leave it out.',
  },
  compile: {
    title: 'A package doesn’t compile for this platform',
    advice: 'Leave the package out, choose another platform, or choose another release.',
  },
  resource: {
    title: 'The build ran over a limit',
    advice: 'It took too much time, memory or disk. A smaller selection may fit; the operator can raise the limits.',
  },
  infra: {
    title: 'A service that the build needs was unavailable',
    advice: 'Nothing is wrong with your selection. Trying again may help.',
  },
  lost: {
    title: 'This build lost its builder three times',
    advice: 'Nothing is known to be wrong with your selection. Trying again may help; the operator should look at the builders.',
  },
  internal: {
    title: 'An internal error ended this build',
    advice: 'Nothing is wrong with your selection. Try again; if it fails again, give the operator the id of this build.',
  },
  tampered: {
    title: 'The record of this build was changed without permission',
    advice: 'No binary is served under it. Build it again; the operator should replace the keys of the builders.',
  },
} satisfies Record<FailureClass, FailureWords>

/** The state of a build in a few words, for the page's title. */
export function summary(build: BuildView): string {
  switch (build.status) {
    case 'new':
      return build.queue ? `Queued, place ${build.queue.position} of ${build.queue.length}` : 'Queued'
    case 'building':
      return build.phase ? `Building: ${build.phase}` : 'Building'
    case 'success':
      if (build.expired) return 'Expired'
      return build.blocked ? 'Blocked' : 'Ready to download'
    case 'failed':
      return 'Failed'
    case 'cancelled':
      return 'Cancelled'
  }
}
