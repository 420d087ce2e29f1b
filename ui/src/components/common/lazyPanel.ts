/** Parts of a page that are fetched when they are first shown, and say so where that fails. */
import { defineAsyncComponent, defineComponent, h, ref, type Component } from 'vue'

import ChunkError from './ChunkError.vue'

export function lazyPanel<T extends Component>(load: () => Promise<{ default: T }>): T {
  const panel = defineComponent({
    name: 'LazyPanel',
    inheritAttrs: false,
    setup(_, { attrs, slots }) {
      const attempt = ref(0)
      const retry = (): void => {
        attempt.value++
      }
      const failed = (): ReturnType<typeof h> => h(ChunkError, { onRetry: retry })
      const Loaded = defineAsyncComponent({ loader: async () => (await load()).default, errorComponent: failed })
      // With another key it is made anew, and so fetches anew.
      return () => h(Loaded, { ...attrs, key: attempt.value }, slots)
    },
  })
  return panel as unknown as T
}
