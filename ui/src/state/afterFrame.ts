/** What may come a frame late, so that what it goes with is seen sooner. */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue'

/** Runs what it was given last, once the next frame is drawn; nothing after its owner is gone. */
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
    // A task that a frame's callback asks for comes after that frame was drawn.
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
