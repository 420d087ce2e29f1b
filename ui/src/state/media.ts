import { onScopeDispose, readonly, ref } from 'vue'

/** Whether a media query holds now. */
export function useMedia(query: string) {
  const list = window.matchMedia(query)
  const holds = ref(list.matches)
  const onChange = (): void => {
    holds.value = list.matches
  }
  list.addEventListener('change', onChange)
  onScopeDispose(() => list.removeEventListener('change', onChange))
  return readonly(holds)
}
