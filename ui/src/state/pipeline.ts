/** The pasted pipeline with the values of its variables, and the packages that it needs. Only this page's memory holds text and values. */
import { computed, ref, shallowRef, watch, type Ref } from 'vue'

import { selectFor, type PipelineQuestion, type SelectTarget } from '@/api/catalog'
import type { PipelineVariable } from '@/api/types'
import { valuesFor } from '@/lib/variables'

import { useAsked } from './asked'

/** The pasted text. */
export const pastedPipeline = ref('')
const text = pastedPipeline
/** Typed values of variables, by name. They never leave this page's memory but to be sent with the pipeline. */
const values = ref(new Map<string, string>())
/** The question whose packages were picked last: opening the tab again mustn't undo later picks. */
const taken = ref('')

/** `take` gets the packages of each pipeline without mistakes, once. */
export function usePipeline(target: Ref<SelectTarget>, take: (packages: string[]) => void) {
  const isEmpty = computed(() => text.value.trim() === '')
  const { answer, error, isStale, retry } = useAsked(
    () => {
      const question: PipelineQuestion = { pipeline: text.value, variables: valuesFor(text.value, values.value) }
      return isEmpty.value ? undefined : { question, target: target.value }
    },
    async ({ question, target: wanted }, signal) => ({ of: JSON.stringify(question), found: await selectFor(question, wanted, signal) }),
  )
  const found = computed(() => answer.value?.found)
  const isClean = computed(() => found.value?.mistakes.length === 0 && !found.value.problems)
  /** Those of the last answer: while a question is refused, its values must stay there to be corrected. */
  const variables = shallowRef<PipelineVariable[]>([])
  watch(
    isEmpty,
    (now) => {
      if (!now) return
      taken.value = ''
      variables.value = []
    },
    { immediate: true },
  )
  watch(answer, (now) => {
    if (now) variables.value = now.found.variables ?? []
    if (!now?.found.request?.packages || !isClean.value || now.of === taken.value) return
    taken.value = now.of
    take(now.found.request.packages)
  })
  const setValue = (name: string, value: string): void => {
    if (value === '') values.value.delete(name)
    else values.value.set(name, value)
  }
  /** Forgets the text and the values. */
  const clear = (): void => {
    text.value = ''
    values.value = new Map()
  }

  return { text, values, variables, answer: found, error, isAsking: computed(() => isStale.value && !error.value), isEmpty, isClean, retry, setValue, clear }
}
