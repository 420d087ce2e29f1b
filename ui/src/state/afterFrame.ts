/** Values that may be a frame late, so that what they go with is seen sooner. */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue'

/** `compute` of the newest `source`, once the frame that shows that source is drawn. */
export function useAfterFrame<Source, Value>(source: () => Source, compute: (source: Source) => Value): Readonly<ShallowRef<Value>> {
  const value = shallowRef(compute(source()))
  let frame = 0
  let timer = 0
  const stop = (): void => {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
  }
  watch(source, (now) => {
    stop()
    // A task that a frame's callback asks for comes after that frame was drawn.
    frame = requestAnimationFrame(() => {
      timer = window.setTimeout(() => (value.value = compute(now)))
    })
  })
  onScopeDispose(stop)
  return value
}
