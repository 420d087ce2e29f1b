/** Sends the settled selection to the server, so that an idle builder starts before the click. */
import { onScopeDispose, watch } from 'vue'

import { buildAhead } from '@/api/builds'
import type { RequestBody } from '@/api/types'

/** Milliseconds without a change after which a selection counts as settled: enough to tick the next box. */
const SETTLED = 700

/** `wanted` gives the request to build ahead: `undefined` while nothing can be built, or its build exists. */
export function useAhead(wanted: () => RequestBody | undefined): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let sent: string | undefined
  watch(
    () => JSON.stringify(wanted()),
    (text) => {
      clearTimeout(timer)
      const body = wanted()
      if (body === undefined || text === sent) return
      timer = setTimeout(() => {
        sent = text
        // Best effort: a click on Build shows the error.
        buildAhead(body).catch(() => undefined)
      }, SETTLED)
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))
}
