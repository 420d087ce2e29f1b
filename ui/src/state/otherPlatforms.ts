/** The same selection on every other platform on offer: existing builds, refusals, and requests for the rest. */
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'

import { getBuild, lookAtBuild, requestPaced, resolve } from '@/api/builds'
import { toApiError, type ApiError } from '@/api/error'
import type { BuildView, OfferedPlatform, RequestBody, Status } from '@/api/types'
import { pause } from '@/lib/pace'
import { repeatOf } from '@/lib/selection'
import { isFinished, isOpen } from '@/lib/status'

import { usePlatforms } from './catalog'

export interface OtherPlatform {
  name: string
  request: RequestBody
  /** Unknown until the server has resolved the request. */
  id?: string
  status?: Status
  /** It was built, but its binary was removed. */
  expired?: boolean
  /** Why the platform can’t be built for, or why the request failed. */
  problem?: ApiError
}

export function useOtherPlatforms(build: Ref<BuildView>) {
  const platforms = usePlatforms()
  const rows = shallowRef<OtherPlatform[]>([])
  const isAsking = ref(false)
  const timers = new Map<string, ReturnType<typeof setTimeout>>()
  const controller = new AbortController()
  const { signal } = controller

  const requestFor = ({ goos, goarch }: OfferedPlatform): RequestBody => repeatOf(build.value, { goos, goarch, variant: undefined })
  const put = (row: OtherPlatform): void => {
    rows.value = rows.value.map((other) => (other.name === row.name ? row : other))
  }
  const show = ({ name, request }: OtherPlatform, { id, status, expired }: BuildView): void => {
    put({ name, request, id, status, expired: expired ?? false })
  }

  /** Resolves one platform after the other: nothing here is urgent. */
  async function look(): Promise<void> {
    if (platforms.value.length === 0) await new Promise<void>((there) => watch(platforms, () => { there() }, { once: true }))
    const others = platforms.value.filter(({ goos, goarch }) => goos !== build.value.goos || goarch !== build.value.goarch)
    rows.value = others.map((platform) => ({ name: `${platform.goos}/${platform.goarch}`, request: requestFor(platform) }))
    for (const row of rows.value) {
      try {
        const { id, status } = await resolve(row.request, signal)
        // Only the build’s record says whether its binary still exists.
        if (status === 'success') show(row, await getBuild(id, signal))
        else put({ ...row, id, ...(status && { status }) })
        if (status && !isFinished(status)) later(row.name, pause(undefined))
      } catch (thrown) {
        if (signal.aborted) return
        put({ ...row, problem: toApiError(thrown) })
      }
    }
  }

  function later(name: string, milliseconds: number): void {
    // Leaving the page ends the polling, not the builds.
    if (signal.aborted) return
    clearTimeout(timers.get(name))
    timers.set(name, setTimeout(() => void follow(name), milliseconds))
  }

  /** Polls a build until it is finished. */
  async function follow(name: string): Promise<void> {
    const row = rows.value.find((other) => other.name === name)
    if (!row?.id || signal.aborted) return
    if (document.hidden) {
      later(name, pause(undefined))
      return
    }
    try {
      const { answer, retryAfter } = await lookAtBuild(row.id, signal)
      show(row, answer)
      if (!isFinished(answer.status)) later(name, pause(retryAfter))
    } catch (thrown) {
      if (signal.aborted) return
      const problem = toApiError(thrown)
      if (problem.isPassing) later(name, pause(problem.retryAfter, 5))
      else put({ ...row, problem })
    }
  }

  async function ask(row: OtherPlatform): Promise<boolean> {
    try {
      const { answer, retryAfter } = await requestPaced(row.request)
      show(row, answer)
      if (!isFinished(answer.status)) later(row.name, pause(retryAfter))
      return true
    } catch (thrown) {
      put({ ...row, problem: toApiError(thrown) })
      return false
    }
  }

  const open = computed(() => rows.value.filter(({ id, status, expired, problem }) => id !== undefined && problem === undefined && isOpen(status, expired ?? false)))

  /** Stops at the first refusal: the other requests would be refused as well. */
  async function askAll(): Promise<void> {
    isAsking.value = true
    for (const row of open.value) if (!(await ask(row))) break
    isAsking.value = false
  }

  onScopeDispose(() => {
    controller.abort()
    for (const timer of timers.values()) clearTimeout(timer)
  })
  return { rows, open, isAsking, look, ask, askAll }
}
