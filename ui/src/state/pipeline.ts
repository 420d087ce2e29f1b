/** The pasted pipeline, and the packages that it needs. Only this page's memory holds the text. */
import { computed, ref, watch, type Ref } from 'vue'

import { selectFor, type SelectTarget } from '@/api/catalog'

import { useAsked } from './asked'

/** The pasted text. */
export const pastedPipeline = ref('')
const text = pastedPipeline
/** The text whose packages were picked last: opening the tab again mustn't undo later picks. */
const taken = ref('')

/** `take` gets the packages of each pipeline without mistakes, once. */
export function usePipeline(target: Ref<SelectTarget>, take: (packages: string[]) => void) {
  const isEmpty = computed(() => text.value.trim() === '')
  const { answer, error, isStale, retry } = useAsked(
    () => (isEmpty.value ? undefined : { pipeline: text.value, target: target.value }),
    async (question, signal) => ({ of: question.pipeline, found: await selectFor(question.pipeline, question.target, signal) }),
  )
  const found = computed(() => answer.value?.found)
  const isClean = computed(() => found.value?.mistakes.length === 0 && !found.value.problems)
  watch(answer, (now) => {
    if (isEmpty.value) taken.value = ''
    if (!now?.found.request?.packages || !isClean.value || now.of === taken.value) return
    taken.value = now.of
    take(now.found.request.packages)
  })

  return { text, answer: found, error, isAsking: computed(() => isStale.value && !error.value), isEmpty, isClean, retry }
}
