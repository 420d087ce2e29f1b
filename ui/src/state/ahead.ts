/** Tells the server what rests in the basket, so that an idle builder begins before the click. */
import { onScopeDispose, watch } from 'vue'

import { buildAhead } from '@/api/builds'
import type { RequestBody } from '@/api/types'

/** How long nothing has changed before it counts as rest: long enough to tick the next box. */
const REST = 700

/** `resting` gives `undefined` while there is nothing that could be built, or it is there already. */
export function useAhead(resting: () => RequestBody | undefined): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let told: string | undefined
  watch(
    () => JSON.stringify(resting()),
    (text) => {
      clearTimeout(timer)
      const body = resting()
      if (body === undefined || text === told) return
      timer = setTimeout(() => {
        told = text
        // Only a favour: whoever clicks is told what is wrong.
        buildAhead(body).catch(() => undefined)
      }, REST)
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))
}
