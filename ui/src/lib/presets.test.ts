import { expect, it } from 'vitest'

import type { ListedPackage } from './packages'
import { presets } from './presets'

const listed = (name: string): ListedPackage => ({ name, path: `a.b/${name}` }) as ListedPackage

it('a preset is offered if all of its packages can be built', () => {
  const all = [listed('nats'), listed('redis'), listed('kafka'), listed('aws')]
  const offered = presets(all, ({ name }) => (name === 'aws' ? 'not here' : undefined))
  expect(offered).toEqual([{ name: 'NATS and Redis', packages: ['a.b/nats', 'a.b/redis'] }])
  expect(presets(all, () => undefined).map(({ name }) => name)).toEqual(['NATS and Redis', 'Kafka to S3'])
})
