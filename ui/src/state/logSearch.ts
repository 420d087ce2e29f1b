/** A search in the lines of a log: which match one is at, and the way to the others. */
import { computed, ref, watch, type Ref } from 'vue'

import { matchesOf, windowAround, type LogLine } from '@/lib/log'

/** As much as a browser shows without effort; the whole is a link away. */
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
  /** A log that starts over has fewer of them. */
  const current = computed(() => (total.value === 0 ? undefined : Math.min(at.value, total.value - 1)))

  function step(by: number): void {
    if (current.value !== undefined) at.value = (current.value + by + total.value) % total.value
  }

  const listed = computed(() => (isSearching.value && only.value ? lines.value.filter(({ key }) => matches.value.first.has(key)) : lines.value))
  /** Where the line of the match stands among those that are listed. */
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
