/** What the server would build of the present selection: asked a moment after each change. */
import { onScopeDispose, shallowRef, ref, watch, type Ref } from 'vue'

import { getBuild, resolve } from '@/api/builds'
import { toApiError, type ApiError } from '@/api/error'
import type { BuildView, RequestBody, ResolveAnswer } from '@/api/types'

const DELAY = 300
const RETRY_AFTER = 3000

export function useResolved(request: Readonly<Ref<RequestBody>>, empty: Readonly<Ref<boolean>>) {
  const answer = shallowRef<ResolveAnswer>()
  const error = shallowRef<ApiError>()
  /** The build that there is already, if its binary can be downloaded now. */
  const ready = shallowRef<BuildView>()
  /** The answer is of an earlier selection. */
  const isStale = ref(false)
  let controller: AbortController | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  async function ask(): Promise<void> {
    const mine = (controller = new AbortController())
    try {
      const found = await resolve(request.value, mine.signal)
      if (mine.signal.aborted) return
      const build = found.status === 'success' ? await getBuild(found.id, mine.signal) : undefined
      if (mine.signal.aborted) return
      answer.value = found
      error.value = undefined
      ready.value = build?.status === 'success' && !build.expired ? build : undefined
    } catch (thrown) {
      if (mine.signal.aborted) return
      error.value = toApiError(thrown)
      if (error.value.isPassing) timer = setTimeout(() => void ask(), RETRY_AFTER)
      else answer.value = undefined
    }
    isStale.value = error.value?.isPassing ?? false
  }

  const stop = (): void => {
    clearTimeout(timer)
    controller?.abort()
  }

  watch(
    () => JSON.stringify(request.value),
    () => {
      stop()
      if (empty.value) {
        answer.value = undefined
        error.value = undefined
        ready.value = undefined
        isStale.value = false
        return
      }
      isStale.value = true
      ready.value = undefined
      timer = setTimeout(() => void ask(), DELAY)
    },
    { immediate: true },
  )
  onScopeDispose(stop)

  return { answer, error, ready, isStale }
}
