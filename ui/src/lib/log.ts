/** The lines of a log as a person reads them. */
import type { LoggedEntry } from '@/api/types'

import { count, duration } from './format'

export interface LogLine {
  key: string
  text: string
  /** What we say about the build, rather than what the compiler said. */
  isNote: boolean
}

export function logLines(entries: LoggedEntry[]): LogLine[] {
  // Each report of progress is a phase event too; only the first of a phase and claim is worth a line.
  const begun = new Set<string>()
  return joined(entries).flatMap((entry) => {
    const note = (text: string): LogLine[] => [{ key: `${entry.sequence}`, text, isNote: true }]
    switch (entry.event) {
      case 'claimed':
        return note(`taken by ${entry.builder}${entry.attempt > 1 ? `, attempt ${entry.attempt}` : ''}`)
      case 'phase': {
        const phase = `${entry.claim} ${entry.phase}`
        if (begun.has(phase)) return []
        begun.add(phase)
        return note(`${entry.phase} (after ${duration(entry.at)})`)
      }
      case 'lines':
        return entry.lines.map((text, index) => ({ key: `${entry.sequence}.${index}`, text, isNote: false }))
      case 'gap':
        return note(`${count(entry.dropped, 'line')}${entry.bytes === undefined ? '' : ` (${count(entry.bytes, 'byte')})`} ${entry.dropped === 1 ? 'is' : 'are'} missing here`)
      case 'end':
        return note(entry.status === 'new' ? 'given back to the queue' : `ended: ${entry.status}`)
    }
  })
}

type Gap = LoggedEntry & { event: 'gap' }
const isGap = (entry: LoggedEntry | undefined): entry is Gap => entry?.event === 'gap'

/** A log that is too long tells every few seconds how much more is missing: one line is enough, of all that follow on each other but for progress. */
function joined(entries: LoggedEntry[]): LoggedEntry[] {
  const all: LoggedEntry[] = []
  let place: number | undefined
  for (const entry of entries) {
    const before = place === undefined ? undefined : all[place]
    if (isGap(entry) && isGap(before) && before.claim === entry.claim) {
      const { bytes: earlier, ...rest } = before
      const bytes = earlier === undefined || entry.bytes === undefined ? {} : { bytes: earlier + entry.bytes }
      all[place!] = { ...rest, ...bytes, dropped: before.dropped + entry.dropped }
      continue
    }
    if (isGap(entry)) place = all.length
    else if (!(entry.event === 'phase' && entry.progress)) place = undefined
    all.push(entry)
  }
  return all
}

export const logText = (lines: LogLine[]): string => lines.map(({ text }) => text).join('\n')

/** How compilers and Go itself begin to say what is wrong: `file.go:1:2: …`, `go: …`, `panic: …`, `… error …`. */
const ERROR = /^\S+\.go:\d+(:\d+)?: |^go: (?!downloading|finding|extracting)|^panic: |\berror\b|\bcannot\b|no required module/i

/** Where the trouble begins, which is seldom the last line. */
export const firstError = (lines: LogLine[]): LogLine | undefined => lines.find(({ text, isNote }) => !isNote && ERROR.test(text))

/** Where a text stands in a log, whichever case it is in. */
export interface Matches {
  /** Of each match, the place of its line. */
  lines: number[]
  /** Of each line that has one, the number of its first match, by key. */
  first: Map<string, number>
}

export interface LinePart {
  text: string
  /** The number of the match that this is. */
  match?: number
}

const pattern = (text: string): RegExp | undefined =>
  text.trim() === '' ? undefined : new RegExp(text.trim().replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'), 'gi')

export function matchesOf(lines: LogLine[], text: string): Matches {
  const matches: Matches = { lines: [], first: new Map() }
  const wanted = pattern(text)
  if (!wanted) return matches
  for (const [place, line] of lines.entries()) {
    const found = [...line.text.matchAll(wanted)].length
    if (found > 0) matches.first.set(line.key, matches.lines.length)
    for (let n = 0; n < found; n++) matches.lines.push(place)
  }
  return matches
}

/** A line cut up where the text begins and ends; its first match has the number `first`. */
export function partsOf(line: string, text: string, first: number): LinePart[] {
  const wanted = pattern(text)
  if (!wanted) return [{ text: line }]
  const parts: LinePart[] = []
  let end = 0
  let match = first
  for (const { 0: found, index } of line.matchAll(wanted)) {
    if (index > end) parts.push({ text: line.slice(end, index) })
    parts.push({ text: found, match: match++ })
    end = index + found.length
  }
  if (end < line.length) parts.push({ text: line.slice(end) })
  return parts
}

/** As many places as are shown: the last ones, or those around a place that isn't among them. */
export function windowAround(length: number, most: number, place: number | undefined): [from: number, to: number] {
  if (place === undefined || place >= length - most) return [Math.max(0, length - most), length]
  const from = Math.max(0, place - Math.floor(most / 2))
  return [from, Math.min(length, from + most)]
}
