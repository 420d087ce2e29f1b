/** What was pasted, and what it needs. The text lives as long as the page and is kept nowhere else. */
import { computed, ref, shallowRef, watch, type Ref } from 'vue'

import { selectFor, type SelectTarget } from '@/api/catalog'
import { toApiError, type ApiError } from '@/api/error'
import type { SelectAnswer } from '@/api/types'

/** A pause in typing. */
const REST_MS = 400

const text = ref('')

/** Asks whenever the text or the target has rested for a moment; an older answer never comes after a newer one. */
export function usePipeline(target: Ref<SelectTarget>) {
  const answer = shallowRef<SelectAnswer>()
  const error = shallowRef<ApiError>()
  const isAsking = ref(false)

  watch(
    [text, target],
    ([pipeline, wanted], _, onCleanup) => {
      error.value = undefined
      if (pipeline.trim() === '') {
        answer.value = undefined
        isAsking.value = false
        return
      }
      const controller = new AbortController()
      const timer = setTimeout(() => void ask(pipeline, wanted, controller.signal), REST_MS)
      isAsking.value = true
      onCleanup(() => {
        clearTimeout(timer)
        controller.abort()
      })
    },
    { immediate: true, deep: true },
  )

  async function ask(pipeline: string, wanted: SelectTarget, signal: AbortSignal): Promise<void> {
    try {
      const found = await selectFor(pipeline, wanted, signal)
      if (!signal.aborted) answer.value = found
    } catch (thrown) {
      if (signal.aborted) return
      error.value = toApiError(thrown)
    }
    isAsking.value = false
  }

  return {
    text,
    answer,
    error,
    isAsking,
    isEmpty: computed(() => text.value.trim() === ''),
  }
}
