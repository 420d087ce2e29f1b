import { expect, it } from 'vitest'

import type { HealthReport } from '@/api/types'

import { bannerOf } from './health'

const store = (name: string, percent: number, refusesBuilds = false) => ({ name, used: percent, limit: 100, percent, full: percent > 97, refusesBuilds })

const report = (changes: Partial<HealthReport> = {}): HealthReport => ({
  status: 'ok',
  problems: [],
  notes: [],
  nats: { connected: true, acknowledges: true },
  stores: [store('builds', 3), store('artifacts', 40), store('gocache', 80)],
  cache: { used: 0, limit: 4096, usable: true },
  ...changes,
})

it('is absent while all is well', () => {
  expect(bannerOf(report())).toBeUndefined()
})

it('names the full store, the consequences and the remedy', () => {
  const words = 'The store of binaries is full (98 %), so no new build is taken. Give it more: `wombat setup --artifacts-limit`.'
  const full = report({ problems: [words], stores: [store('builds', 3), store('artifacts', 98, true), store('gocache', 99)] })
  expect(bannerOf(full)).toEqual({ title: 'A store is full: artifacts', isSevere: true, sentences: [words] })
})

it('is mild where no client is affected', () => {
  const full = report({ notes: ['The store `gocache` is full.'], stores: [store('gocache', 98)] })
  expect(bannerOf(full)).toMatchObject({ title: 'A store is full: gocache', isSevere: false })
  const disk = report({ notes: ['The gateway can’t keep binaries on its disk.'] })
  expect(bannerOf(disk)).toMatchObject({ title: 'An operator is needed', isSevere: false })
})

it('names a server that acknowledges nothing first', () => {
  const stuck = report({ problems: ['Restart nats-server.'], nats: { connected: true, acknowledges: false }, stores: [store('artifacts', 98, true)] })
  expect(bannerOf(stuck)).toMatchObject({ title: 'Nothing new is stored', isSevere: true })
  expect(bannerOf(report({ problems: ['Down.'], nats: { connected: false }, stores: [] }))?.title).toBe('The connection to NATS is down')
})
