/** Fetched data with its loading and error states; it retries by itself. */
import { onScopeDispose, readonly, ref, shallowRef, watch, type Ref, type WatchSource } from 'vue'

import { type ApiError, toApiError } from '@/api/error'

export interface Resource<T> {
  data: Readonly<Ref<T | undefined>>
  error: Readonly<Ref<ApiError | undefined>>
  /** The first fetch takes longer than 200 ms: time for a skeleton. */
  isSlow: Readonly<Ref<boolean>>
  /** The first answer hasn't arrived. */
  isPending: Readonly<Ref<boolean>>
  reload: () => Promise<void>
}

interface Options {
  /** Fetch again when this changes. */
  watch?: WatchSource | WatchSource[]
  /** Drop the data when `watch` changes, because it belongs to another item. */
  forget?: boolean
  /** Fetch again after this many milliseconds, while the page is visible. */
  every?: number
}

const SLOW_AFTER = 200
const RETRY_AFTER = [3000, 5000, 10_000]

export function useResource<T>(fetcher: (signal: AbortSignal) => Promise<T>, options: Options = {}): Resource<T> {
  const data = shallowRef<T>()
  const error = shallowRef<ApiError>()
  const isSlow = ref(false)
  const isPending = ref(true)
  let controller: AbortController | undefined
  let slow: ReturnType<typeof setTimeout> | undefined
  let again: ReturnType<typeof setTimeout> | undefined
  let failures = 0

  const later = (milliseconds: number): void => {
    clearTimeout(again)
    again = setTimeout(() => {
      if (document.hidden) later(milliseconds)
      else void reload()
    }, milliseconds)
  }

  async function reload(): Promise<void> {
    controller?.abort()
    clearTimeout(again)
    clearTimeout(slow)
    const mine = (controller = new AbortController())
    if (data.value === undefined) slow = setTimeout(() => (isSlow.value = true), SLOW_AFTER)
    try {
      const value = await fetcher(mine.signal)
      if (mine.signal.aborted) return
      data.value = value
      error.value = undefined
      failures = 0
      if (options.every) later(options.every)
    } catch (thrown) {
      if (mine.signal.aborted) return
      error.value = toApiError(thrown)
      if (error.value.isPassing) later(RETRY_AFTER[Math.min(failures++, RETRY_AFTER.length - 1)] ?? 10_000)
    }
    clearTimeout(slow)
    isSlow.value = false
    isPending.value = false
  }

  const onOnline = (): void => void reload()
  window.addEventListener('online', onOnline)
  onScopeDispose(() => {
    window.removeEventListener('online', onOnline)
    controller?.abort()
    clearTimeout(slow)
    clearTimeout(again)
  })
  if (options.watch) {
    watch(options.watch, () => {
      if (options.forget) {
        data.value = undefined
        isPending.value = true
      }
      error.value = undefined
      void reload()
    })
  }
  void reload()

  return { data, error: readonly(error) as Resource<T>['error'], isSlow: readonly(isSlow), isPending: readonly(isPending), reload }
}
