/** Work that waits for the next frame, so that more urgent changes are drawn first. */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue'

/** Runs the latest function that it was given, once the next frame is drawn; it stops with its component. */
export function useLatestAfterFrame(): (run: () => void) => void {
  let frame = 0
  let timer = 0
  const stop = (): void => {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
  }
  onScopeDispose(stop)
  return (run) => {
    stop()
    // A task queued by a frame's callback runs after that frame is drawn.
    frame = requestAnimationFrame(() => {
      timer = window.setTimeout(run)
    })
  }
}

/** `compute` of the newest `source`, once the frame that shows that source is drawn. */
export function useAfterFrame<Source, Value>(source: () => Source, compute: (source: Source) => Value): Readonly<ShallowRef<Value>> {
  const value = shallowRef(compute(source()))
  const later = useLatestAfterFrame()
  watch(source, (now) => later(() => (value.value = compute(now))))
  return value
}
