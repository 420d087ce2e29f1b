/** A search in the lines of a log: all matches, and the current one. */
import { computed, ref, watch, type Ref } from 'vue'

import { matchesOf, windowAround, type LogLine } from '@/lib/log'

/** Most lines shown at once, as browsers render more slowly; a link leads to the whole log. */
const MOST = 2000

export function useLogSearch(lines: Readonly<Ref<LogLine[]>>) {
  const wanted = ref('')
  /** Lines without a match are left out. */
  const only = ref(false)
  const isSearching = computed(() => wanted.value.trim() !== '')

  const matches = computed(() => matchesOf(lines.value, wanted.value))
  const total = computed(() => matches.value.lines.length)
  const at = ref(0)
  watch(wanted, () => (at.value = 0))
  /** A log that starts over has fewer matches. */
  const current = computed(() => (total.value === 0 ? undefined : Math.min(at.value, total.value - 1)))

  function step(by: number): void {
    if (current.value !== undefined) at.value = (current.value + by + total.value) % total.value
  }

  const listed = computed(() => (isSearching.value && only.value ? lines.value.filter(({ key }) => matches.value.first.has(key)) : lines.value))
  /** Index of the current match's line among the listed lines. */
  const place = computed(() => {
    const line = lines.value[matches.value.lines[current.value ?? -1] ?? -1]
    if (!line) return undefined
    return listed.value === lines.value ? matches.value.lines[current.value!] : listed.value.indexOf(line)
  })
  const range = computed(() => windowAround(listed.value.length, MOST, place.value))
  const shown = computed(() => listed.value.slice(...range.value))

  return {
    wanted,
    only,
    isSearching,
    total,
    current,
    step,
    shown,
    firstOf: (key: string): number | undefined => matches.value.first.get(key),
    earlier: computed(() => range.value[0]),
    later: computed(() => listed.value.length - range.value[1]),
  }
}
