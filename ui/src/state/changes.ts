/** All changes of all builds, for lists that update themselves. */
import { onScopeDispose } from 'vue'

import { allEventsUrl } from '@/api/builds'
import type { BuildView } from '@/api/types'

const RETRY_AFTER = 5000

export function useChanges(handle: (build: BuildView) => void): void {
  let source: EventSource | undefined
  let retry: ReturnType<typeof setTimeout> | undefined

  // A hidden page closes its connection: a browser opens only a few to one host.
  const isSeen = (): boolean => document.visibilityState === 'visible'

  function listen(): void {
    const mine = (source = new EventSource(allEventsUrl))
    mine.addEventListener('build', (event) => handle(JSON.parse((event as MessageEvent<string>).data) as BuildView))
    mine.onerror = () => {
      if (mine.readyState === EventSource.CLOSED) retry = setTimeout(listen, RETRY_AFTER)
    }
  }
  function stop(): void {
    source?.close()
    clearTimeout(retry)
  }
  function onVisibility(): void {
    stop()
    if (isSeen()) listen()
  }

  document.addEventListener('visibilitychange', onVisibility)
  if (isSeen()) listen()
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', onVisibility)
    stop()
  })
}
