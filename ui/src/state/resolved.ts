/** How the server resolves the current selection, a moment after each change. */
import { computed, type Ref } from 'vue'

import { getBuild, resolve } from '@/api/builds'
import type { RequestBody } from '@/api/types'

import { useAsked } from './asked'

export function useResolved(request: Readonly<Ref<RequestBody>>, empty: Readonly<Ref<boolean>>) {
  const asked = useAsked(
    () => (empty.value ? undefined : request.value),
    async (body, signal) => {
      const resolved = await resolve(body, signal)
      const build = resolved.status === 'success' ? await getBuild(resolved.id, signal) : undefined
      return { resolved, ready: build?.status === 'success' && !build.expired ? build : undefined }
    },
  )
  return {
    answer: computed(() => asked.answer.value?.resolved),
    error: asked.error,
    /** The existing build, if its binary can be downloaded now. */
    ready: computed(() => (asked.isStale.value ? undefined : asked.answer.value?.ready)),
    isStale: asked.isStale,
  }
}
