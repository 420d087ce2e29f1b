/** One clock for all components. */
import { onScopeDispose, readonly, ref } from 'vue'

import { serverNow } from '@/api/client'

const now = ref(serverNow())
let watchers = 0
let timer: ReturnType<typeof setInterval> | undefined

/** The server's time, updated every second while a component uses it. */
export function useNow() {
  now.value = serverNow()
  if (watchers++ === 0) timer = setInterval(() => (now.value = serverNow()), 1000)
  onScopeDispose(() => {
    if (--watchers === 0) clearInterval(timer)
  })
  return readonly(now)
}
