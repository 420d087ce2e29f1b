/** The lines of a log as a person reads them. */
import type { LoggedEntry } from '@/api/types'

import { duration } from './format'

export interface LogLine {
  key: string
  text: string
  /** What we say about the build, rather than what the compiler said. */
  isNote: boolean
}

export function logLines(entries: LoggedEntry[]): LogLine[] {
  // Each report of progress is a phase event too; only the first of a phase and claim is worth a line.
  const begun = new Set<string>()
  return entries.flatMap((entry) => {
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
        return note(`${entry.dropped} lines are missing here`)
      case 'end':
        return note(entry.status === 'new' ? 'given back to the queue' : `ended: ${entry.status}`)
    }
  })
}

export const logText = (lines: LogLine[]): string => lines.map(({ text }) => text).join('\n')

/** How compilers and Go itself begin to say what is wrong: `file.go:1:2: …`, `go: …`, `panic: …`, `… error …`. */
const ERROR = /^\S+\.go:\d+(:\d+)?: |^go: (?!downloading|finding|extracting)|^panic: |\berror\b|\bcannot\b|no required module/i

/** Where the trouble begins, which is seldom the last line. */
export const firstError = (lines: LogLine[]): LogLine | undefined => lines.find(({ text, isNote }) => !isNote && ERROR.test(text))

/** Lines that hold a text, whichever case it is in. */
export function linesWith(lines: LogLine[], text: string): LogLine[] {
  const wanted = text.trim().toLowerCase()
  return wanted === '' ? lines : lines.filter((line) => line.text.toLowerCase().includes(wanted))
}
