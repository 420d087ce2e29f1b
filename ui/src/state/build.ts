/** One build, followed from its request to its end over server-sent events. */
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'

import { buildEventsUrl, getBuild } from '@/api/builds'
import { noteReached } from '@/api/client'
import { toApiError, type ApiError } from '@/api/error'
import type { BuildView, LoggedEntry } from '@/api/types'
import { hear } from '@/lib/phases'
import { isFinished } from '@/lib/status'

const RETRY_AFTER = 3000
/** Milliseconds for which log lines are gathered, so that a fast log is rendered less often. */
const GATHER = 100

export function useBuild(id: Readonly<Ref<string>>) {
  const build = shallowRef<BuildView>()
  const error = shallowRef<ApiError>()
  const entries = shallowRef<LoggedEntry[]>([])
  /** The stream was lost; the browser reconnects. */
  const isReconnecting = ref(false)
  /** The log is complete. */
  const isComplete = ref(false)

  let source: EventSource | undefined
  /** The start that is under way. It is aborted by the next one, and when the page is gone. */
  let starting: AbortController | undefined
  let isOver = false
  let retry: ReturnType<typeof setTimeout> | undefined
  let flush: ReturnType<typeof setTimeout> | undefined
  let pending: LoggedEntry[] = []

  function show(): void {
    flush = undefined
    entries.value = [...entries.value, ...pending]
    pending = []
  }

  function take(view: BuildView): void {
    if (view.id === id.value && view.revision >= (build.value?.revision ?? 0)) build.value = view
    error.value = undefined
  }

  function stop(): void {
    starting?.abort()
    source?.close()
    clearTimeout(retry)
    clearTimeout(flush)
    flush = undefined
    pending = []
  }

  function forgetLog(): void {
    clearTimeout(flush)
    flush = undefined
    pending = []
    entries.value = []
  }

  function listen(): void {
    forgetLog()
    const mine = (source = new EventSource(buildEventsUrl(id.value)))
    const on = <T>(name: string, handle: (data: T) => void): void => {
      mine.addEventListener(name, (event) => {
        noteReached(true)
        isReconnecting.value = false
        handle(JSON.parse((event as MessageEvent<string>).data) as T)
      })
    }
    on<BuildView>('build', take)
    const gather = (entry: LoggedEntry): void => {
      pending.push(entry)
      flush ??= setTimeout(show, GATHER)
    }
    on<LoggedEntry>('log', gather)
    on<LoggedEntry>('gap', gather)
    on('reset', forgetLog)
    on('end', () => {
      mine.close()
      isComplete.value = true
    })
    mine.onerror = () => {
      isReconnecting.value = !isComplete.value
      // An EventSource reconnects by itself, except after an answer that isn't a stream.
      if (mine.readyState === EventSource.CLOSED) retry = setTimeout(() => void start(), RETRY_AFTER)
    }
  }

  /** Fetches the record first: unlike a stream's error, its status distinguishes a missing build from an unreachable server. */
  async function start(): Promise<void> {
    stop()
    if (isOver) return
    const mine = (starting = new AbortController())
    const wanted = id.value
    const isStale = (): boolean => mine.signal.aborted || wanted !== id.value
    try {
      const view = await getBuild(wanted, mine.signal)
      if (isStale()) return
      const wasFinished = isComplete.value && isFinished(view.status)
      take(view)
      isReconnecting.value = false
      if (!wasFinished) listen()
    } catch (thrown) {
      if (isStale()) return
      const problem = toApiError(thrown)
      if (!problem.isPassing || !build.value) error.value = problem
      if (problem.isPassing) retry = setTimeout(() => void start(), RETRY_AFTER)
    }
  }

  /** Starts over: the build was requested again. */
  function restart(view?: BuildView): void {
    isComplete.value = false
    if (view) build.value = view
    void start()
  }

  watch(
    id,
    () => {
      build.value = undefined
      error.value = undefined
      restart()
    },
    { immediate: true },
  )
  onScopeDispose(() => {
    isOver = true
    stop()
  })

  const heard = computed(() => hear(entries.value))
  return { build, error, entries, heard, isReconnecting, restart }
}
