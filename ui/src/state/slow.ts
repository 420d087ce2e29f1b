import { onScopeDispose, ref, watch } from 'vue'

/** Whether `isPending` has held for 200 ms: time to show a loading state. */
export function useSlow(isPending: () => boolean) {
  const isSlow = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(
    isPending,
    (pending) => {
      clearTimeout(timer)
      if (pending) timer = setTimeout(() => (isSlow.value = true), 200)
      else isSlow.value = false
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))
  return isSlow
}
