/** A debounced question to the server: sent a moment after each change, and again while the server can't be reached. */
import { onScopeDispose, ref, shallowRef, watch } from 'vue'

import { toApiError, type ApiError } from '@/api/error'

const DELAY = 300
const RETRY_AFTER = 3000

/** `question` gives `undefined` while there is nothing to ask. An older answer never replaces a newer one. */
export function useAsked<Question, Answer>(
  question: () => Question | undefined,
  ask: (question: Question, signal: AbortSignal) => Promise<Answer>,
) {
  const answer = shallowRef<Answer>()
  const error = shallowRef<ApiError>()
  /** The answer belongs to an earlier question. */
  const isStale = ref(false)
  let controller: AbortController | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  async function attempt(asked: Question): Promise<void> {
    const mine = (controller = new AbortController())
    try {
      const found = await ask(asked, mine.signal)
      if (mine.signal.aborted) return
      answer.value = found
      error.value = undefined
    } catch (thrown) {
      if (mine.signal.aborted) return
      error.value = toApiError(thrown)
      if (error.value.isPassing) timer = setTimeout(() => void attempt(asked), RETRY_AFTER)
      else answer.value = undefined
    }
    isStale.value = error.value?.isPassing ?? false
  }

  const stop = (): void => {
    clearTimeout(timer)
    controller?.abort()
  }

  watch(
    () => JSON.stringify(question()),
    () => {
      stop()
      const asked = question()
      isStale.value = asked !== undefined
      if (asked === undefined) {
        answer.value = undefined
        error.value = undefined
        return
      }
      timer = setTimeout(() => void attempt(asked), DELAY)
    },
    { immediate: true },
  )
  onScopeDispose(stop)
  /** Sends the question at once. */
  const retry = (): void => {
    stop()
    const asked = question()
    if (asked !== undefined) void attempt(asked)
  }

  return { answer, error, isStale, retry }
}
