import { expect, it } from 'vitest'

import { tiles } from './treemap'

const contents = {
  size: 1000,
  go: '1.26.8',
  modules: [
    { module: 'std', version: '1.26.8', code: 300, functions: 9 },
    { module: 'github.com/nats-io/nats.go', version: 'v1.2.3', code: 200, functions: 5 },
    { module: 'a.b/c', version: 'v1.0.0', code: 2, functions: 1 },
    { module: 'a.b/d', version: 'v1.0.0', code: 1, functions: 1 },
    { module: 'a.b/unused', version: 'v1.0.0', code: 0, functions: 0 },
  ],
  rest: 497,
}

it('gives each module an area proportional to its code', () => {
  const all = tiles(contents, 1000, 400)
  expect(all.map(({ name, size, kind }) => [name, size, kind])).toEqual([
    ['tables, types and texts', 497, 'rest'],
    ['std', 300, 'module'],
    ['github.com/nats-io/nats.go', 200, 'module'],
    ['2 smaller modules', 3, 'others'],
  ])
  const [rest, std] = all
  expect((rest!.width * rest!.height) / (std!.width * std!.height)).toBeCloseTo(497 / 300, 1)
})

it('labels the tiles that have room for a label', () => {
  const label = (width: number) => tiles(contents, width, 100).find(({ name }) => name.startsWith('github'))?.label
  expect(label(1200)).toBe('github.com/nats-io/nats.go')
  expect(label(500)).toBe('nats.go')
  expect(label(60)).toBe('')
})
