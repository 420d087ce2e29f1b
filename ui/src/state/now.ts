/** A clock that ticks once for all who look at it. */
import { onScopeDispose, readonly, ref } from 'vue'

import { serverNow } from '@/api/client'

const now = ref(serverNow())
let watchers = 0
let timer: ReturnType<typeof setInterval> | undefined

/** The server's time, renewed every second as long as someone uses it. */
export function useNow() {
  now.value = serverNow()
  if (watchers++ === 0) timer = setInterval(() => (now.value = serverNow()), 1000)
  onScopeDispose(() => {
    if (--watchers === 0) clearInterval(timer)
  })
  return readonly(now)
}
