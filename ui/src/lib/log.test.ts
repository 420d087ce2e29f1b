import { expect, it } from 'vitest'

import type { LoggedEntry, LogEvent } from '@/api/types'

import { firstError, logLines, matchesOf, partsOf, windowAround, type LogLine } from './log'

const lines = ['go build …', 'github.com/a/b', '../b/b.go:12:5: undefined: x', 'too many errors'].map(
  (text, index): LogLine => ({ key: String(index), text, isNote: index === 0 }),
)

const entries = (...events: LogEvent[]): LoggedEntry[] =>
  events.map((event, index) => ({ sequence: index + 10, claim: 'a', n: index + 1, at: index * 1000, ...event }) as LoggedEntry)

it('shows one line for consecutive gaps', () => {
  const progress = { done: 1, total: 2, cached: 0 }
  const shown = logLines(
    entries(
      { event: 'phase', phase: 'compile' },
      { event: 'lines', lines: ['the beginning'] },
      { event: 'gap', dropped: 3, bytes: 30 },
      { event: 'phase', phase: 'compile', progress },
      { event: 'gap', dropped: 4, bytes: 1970 },
      { event: 'lines', lines: ['the end'] },
      { event: 'gap', dropped: 1 },
      { event: 'end', status: 'failed' },
    ),
  )
  expect(shown.map(({ text }) => text)).toEqual([
    'compile (after 0.0 s)',
    'the beginning',
    '7 lines (2,000 bytes) are missing here',
    'the end',
    '1 line is missing here',
    'ended: failed',
  ])
  expect(new Set(shown.map(({ key }) => key)).size).toBe(shown.length)
})

it('finds the first error', () => {
  expect(firstError(lines)?.text).toBe('../b/b.go:12:5: undefined: x')
  expect(firstError(lines.slice(0, 2))).toBeUndefined()
})

it('finds all matches of a text in any case', () => {
  const { lines: places, first } = matchesOf(lines, ' GITHUB ')
  expect([places, [...first]]).toEqual([[1], [['1', 0]]])
  expect(matchesOf(lines, 'b').lines).toEqual([0, 1, 1, 2, 2])
  expect(matchesOf(lines, 'b').first.get('2')).toBe(3)
  expect(matchesOf(lines, ' ').lines).toEqual([])
  expect(matchesOf(lines, '(.*').lines).toEqual([])
})

it('splits a line at its matches', () => {
  expect(partsOf('../b/B.go:1', 'b', 3)).toEqual([{ text: '../' }, { text: 'b', match: 3 }, { text: '/' }, { text: 'B', match: 4 }, { text: '.go:1' }])
  expect(partsOf('İ a', 'a', 0)).toEqual([{ text: 'İ ' }, { text: 'a', match: 0 }])
  expect(partsOf('a', ' ', 0)).toEqual([{ text: 'a' }])
})

it('shows the end of a log, or the lines around a match', () => {
  expect(windowAround(10, 20, undefined)).toEqual([0, 10])
  expect(windowAround(100, 20, 85)).toEqual([80, 100])
  expect(windowAround(100, 20, 50)).toEqual([40, 60])
  expect(windowAround(100, 20, 3)).toEqual([0, 20])
})
