import { describe, expect, it } from 'vitest'

import type { BuildView, LogEvent, LoggedEntry } from '@/api/types'

import { hear, progressWords, steps } from './phases'

const entry = (n: number, at: number, event: LogEvent): LoggedEntry => ({ sequence: 100 + n, claim: 'c1', n, at, ...event })
const entries = [
  entry(1, 0, { event: 'claimed', builder: 'fox', attempt: 1 }),
  entry(2, 10, { event: 'phase', phase: 'resolve' }),
  entry(3, 210, { event: 'phase', phase: 'compile', progress: { done: 1, total: 9, cached: 1 } }),
  entry(4, 400, { event: 'phase', phase: 'compile', progress: { done: 5, total: 9, cached: 3 } }),
]
const build = (more: Partial<BuildView>): BuildView =>
  ({ status: 'building', requested: '2026-11-21T00:00:00Z', claimed: '2026-11-21T00:00:02Z', ...more }) as BuildView
const states = (view: BuildView, heard = hear(entries)): string => steps(view, heard).map(({ state }) => state[0]).join('')

describe('steps', () => {
  it('follow the log, across skipped phases', () => {
    const shown = steps(build({}), hear(entries))
    expect(shown.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'current', 'waiting', 'waiting'])
    expect(shown[0]?.milliseconds).toBe(2000)
    expect(shown[1]?.milliseconds).toBe(200)
    expect(shown[2]?.milliseconds).toBeUndefined()
    expect(shown[3]?.progress).toEqual({ done: 5, total: 9, cached: 3 })
  })

  it('go by the record where it is ahead of the log', () => expect(states(build({ phase: 'link' }))).toBe('ddddcw'))

  it('begin in the queue and end in success or failure', () => {
    expect(states(build({ status: 'new' }), hear([]))).toBe('cwwwww')
    expect(states(build({ status: 'success' }))).toBe('dddddd')
    expect(states(build({ status: 'failed' }))).toBe('dddfww')
  })

  it('start again with another claim', () => {
    const again = hear([...entries, entry(1, 0, { event: 'claimed', builder: 'owl', attempt: 2 })])
    expect(again.phase).toBeUndefined()
  })

  it('prefer the measured times of the record', () => {
    expect(steps(build({ status: 'success', timings: { resolve: 77 } }), hear(entries))[1]?.milliseconds).toBe(77)
  })
})

it('progress is put in words', () => {
  expect(progressWords({ done: 312, total: 420, cached: 250 })).toBe('312 of 420 packages, 250 from the cache')
  expect(progressWords({ done: 1, total: 2, cached: 0 })).toBe('1 of 2 packages')
})
