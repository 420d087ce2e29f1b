/** The same selection for every other platform on offer: what there is already, what can’t be, and asking for the rest. */
import { computed, ref, shallowRef, watch, type Ref } from 'vue'

import { requestBuild, resolve } from '@/api/builds'
import { toApiError, type ApiError } from '@/api/error'
import type { BuildView, OfferedPlatform, RequestBody, Status } from '@/api/types'
import { ofBuild, toRequest } from '@/lib/selection'

import { usePlatforms } from './catalog'

export interface OtherPlatform {
  name: string
  request: RequestBody
  /** Unknown until it was asked for. */
  id?: string
  status?: Status
  /** Why it can’t be built, or couldn’t be asked for. */
  problem?: ApiError
}

export function useOtherPlatforms(build: Ref<BuildView>) {
  const platforms = usePlatforms()
  const rows = shallowRef<OtherPlatform[]>([])
  const isAsking = ref(false)

  const requestFor = ({ goos, goarch }: OfferedPlatform): RequestBody => toRequest({ ...ofBuild(build.value), goos, goarch, variant: undefined })
  const put = (row: OtherPlatform): void => {
    rows.value = rows.value.map((other) => (other.name === row.name ? row : other))
  }

  /** Looks at one after the other, as nothing of it is in a hurry. */
  async function look(): Promise<void> {
    if (platforms.value.length === 0) await new Promise<void>((there) => watch(platforms, () => { there() }, { once: true }))
    const others = platforms.value.filter(({ goos, goarch }) => goos !== build.value.goos || goarch !== build.value.goarch)
    rows.value = others.map((platform) => ({ name: `${platform.goos}/${platform.goarch}`, request: requestFor(platform) }))
    for (const row of rows.value) {
      try {
        const { id, status } = await resolve(row.request)
        put({ ...row, id, ...(status && { status }) })
      } catch (thrown) {
        put({ ...row, problem: toApiError(thrown) })
      }
    }
  }

  async function ask(row: OtherPlatform): Promise<boolean> {
    try {
      const { id, status } = await requestBuild(row.request)
      put({ name: row.name, request: row.request, id, status })
      return true
    } catch (thrown) {
      put({ ...row, problem: toApiError(thrown) })
      return false
    }
  }

  const open = computed(() => rows.value.filter(({ id, status, problem }) => id !== undefined && problem === undefined && isOpen(status)))
  const isOpen = (status: Status | undefined): boolean => status === undefined || status === 'cancelled'

  /** Stops at the first that isn’t taken: the others wouldn’t be, either. */
  async function askAll(): Promise<void> {
    isAsking.value = true
    for (const row of open.value) if (!(await ask(row))) break
    isAsking.value = false
  }

  return { rows, open, isAsking, look, ask, askAll }
}
