/** Shapes of the fleet’s charts, in pixels. */
import { scaleLinear } from 'd3-scale'
import { line, curveStepAfter, stack } from 'd3-shape'

import type { StatsPoint } from '@/api/types'

export const outcomes = ['succeeded', 'failed', 'cancelled'] as const
export type Outcome = (typeof outcomes)[number]
export const states = ['waiting', 'building'] as const
export type State = (typeof states)[number]

export interface Frame {
  width: number
  height: number
}

/** Space for the labels. */
export const MARGIN = { left: 36, right: 8, top: 8, bottom: 24 }

export interface Bar {
  outcome: Outcome
  x: number
  y: number
  width: number
  height: number
}

const inner = ({ width, height }: Frame) => ({ x0: MARGIN.left, x1: width - MARGIN.right, y0: height - MARGIN.bottom, y1: MARGIN.top })

/** From 0 to a round number above the greatest value. */
function vertical(most: number, frame: Frame) {
  const { y0, y1 } = inner(frame)
  return scaleLinear()
    .domain([0, Math.max(1, most)])
    .nice(3)
    .range([y0, y1])
}

/** Positions and values of the grid lines: whole numbers, as builds are counted. */
export function grid(most: number, frame: Frame): { y: number; value: number }[] {
  const scale = vertical(most, frame)
  return scale
    .ticks(3)
    .filter(Number.isInteger)
    .map((value) => ({ y: scale(value), value }))
}

export const mostFinished = (points: StatsPoint[]): number => Math.max(0, ...points.map((point) => point.succeeded + point.failed + point.cancelled))
export const mostOpen = (points: StatsPoint[]): number => Math.max(0, ...points.flatMap(({ waiting, building }) => [waiting, building]))

/** Stacked bars, one column per step. */
export function bars(points: StatsPoint[], frame: Frame): Bar[] {
  const { x0, x1 } = inner(frame)
  const step = (x1 - x0) / Math.max(1, points.length)
  const scale = vertical(mostFinished(points), frame)
  return stack<StatsPoint, Outcome>()
    .keys(outcomes)(points)
    .flatMap((series) =>
      series.flatMap(([low, high], place): Bar[] =>
        high > low
          ? [{ outcome: series.key, x: x0 + place * step + 0.5, y: scale(high), width: Math.max(1, step - 1), height: scale(low) - scale(high) }]
          : [],
      ),
    )
}

/** The path of a line through all steps. */
export function path(points: StatsPoint[], state: State, frame: Frame): string {
  const { x0, x1 } = inner(frame)
  const step = (x1 - x0) / Math.max(1, points.length)
  const scale = vertical(mostOpen(points), frame)
  // The last value extends to the edge of the chart.
  const all = [...points, ...points.slice(-1)]
  return (
    line<StatsPoint>()
      .x((_, place) => x0 + place * step)
      .y((point) => scale(point[state]))
      .curve(curveStepAfter)(all) ?? ''
  )
}

/** Time labels at the start, the middle and the end. */
export function moments(from: string, stepSeconds: number, count: number, { width }: Frame): { x: number; at: Date; anchor: 'start' | 'middle' | 'end' }[] {
  const start = Date.parse(from)
  const span = stepSeconds * count * 1000
  const { left, right } = MARGIN
  return [
    { x: left, at: new Date(start), anchor: 'start' },
    { x: (left + width - right) / 2, at: new Date(start + span / 2), anchor: 'middle' },
    { x: width - right, at: new Date(start + span), anchor: 'end' },
  ]
}
