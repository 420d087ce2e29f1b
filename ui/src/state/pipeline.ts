/** What was pasted, and what it needs. The text lives as long as the page and is kept nowhere else. */
import { computed, ref, watch, type Ref } from 'vue'

import { selectFor, type SelectTarget } from '@/api/catalog'

import { useAsked } from './asked'

/** What was pasted. */
export const pastedPipeline = ref('')
const text = pastedPipeline
/** The text whose packages were put into the basket: looking at it again mustn't undo what was picked since. */
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
