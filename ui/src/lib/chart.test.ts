import { expect, it } from 'vitest'

import type { StatsPoint } from '@/api/types'
import { bars, grid, MARGIN, moments, path } from './chart'

const point = (more: Partial<StatsPoint>): StatsPoint => ({ asked: 0, succeeded: 0, failed: 0, cancelled: 0, waiting: 0, building: 0, ...more })
const frame = { width: 100 + MARGIN.left + MARGIN.right, height: 100 + MARGIN.top + MARGIN.bottom }

it('bars are stacked', () => {
  const all = bars([point({ succeeded: 3, failed: 1 }), point({}), point({ cancelled: 2 }), point({})], frame)
  expect(all.map(({ outcome, height }) => [outcome, height])).toEqual([
    ['succeeded', 75],
    ['failed', 25],
    ['cancelled', 50],
  ])
  expect(all[1]!.y + all[1]!.height).toBe(all[0]!.y)
  expect(all[2]!.x - all[0]!.x).toBe(50)
})

it('lines keep their value until the next step', () => {
  expect(path([point({ waiting: 0 }), point({ waiting: 1 })], 'waiting', frame)).toBe('M36,108L86,108L86,8L136,8L136,8')
})

it('the grid counts whole builds', () => {
  expect(grid(1, frame).map(({ value }) => value)).toEqual([0, 1])
  expect(grid(10, frame).map(({ value }) => value)).toEqual([0, 5, 10])
})

it('times are labelled at the start, the middle and the end', () => {
  const all = moments('2026-01-01T12:00:00Z', 60, 60, frame)
  expect(all.map(({ at }) => at.toISOString().slice(11, 16))).toEqual(['12:00', '12:30', '13:00'])
})
