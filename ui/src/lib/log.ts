/** The lines of a build's log, and a search in them. */
import type { LoggedEntry } from '@/api/types'

import { count, duration } from './format'

export interface LogLine {
  key: string
  text: string
  /** From the service about the build, not from a compiler. */
  isNote: boolean
}

export function logLines(entries: LoggedEntry[]): LogLine[] {
  // Progress reports are phase events as well; only the first of a phase and claim gets a line.
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
        return note(entry.status === 'new' ? 'returned to the queue' : `ended: ${entry.status}`)
    }
  })
}

type Gap = LoggedEntry & { event: 'gap' }
const isGap = (entry: LoggedEntry | undefined): entry is Gap => entry?.event === 'gap'

/** A log that is too long reports every few seconds how much more is missing: consecutive gaps become one, even with progress between them. */
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

/** How errors of compilers and of Go start: `file.go:1:2: …`, `go: …`, `panic: …`, `… error …`. */
const ERROR = /^\S+\.go:\d+(:\d+)?: |^go: (?!downloading|finding|extracting)|^panic: |\berror\b|\bcannot\b|no required module/i

/** The first line with an error; the last line seldom has it. */
export const firstError = (lines: LogLine[]): LogLine | undefined => lines.find(({ text, isNote }) => !isNote && ERROR.test(text))

/** The matches of a text in a log, in any case. */
export interface Matches {
  /** The index of each match's line. */
  lines: number[]
  /** The number of the first match in a line, by the line's key. */
  first: Map<string, number>
}

export interface LinePart {
  text: string
  /** The number of the match, if the part is one. */
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

/** A line split at the matches of a text; the first match has the number `first`. */
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

/** The range of `most` lines to show: the last ones, or those around a line before them. */
export function windowAround(length: number, most: number, place: number | undefined): [from: number, to: number] {
  if (place === undefined || place >= length - most) return [Math.max(0, length - most), length]
  const from = Math.max(0, place - Math.floor(most / 2))
  return [from, Math.min(length, from + most)]
}
