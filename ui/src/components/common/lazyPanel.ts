/** Parts of a page whose code is fetched when they are first shown, with an error panel if that fails. */
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
      // Another key creates the component again, which fetches its code again.
      return () => h(Loaded, { ...attrs, key: attempt.value }, slots)
    },
  })
  return panel as unknown as T
}
