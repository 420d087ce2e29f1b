import { describe, expect, it } from 'vitest'

import type { CatalogAnswer, PackageHit } from '@/api/types'

import { isNewer, listPackages, moduleOf, shortName, splitReference, titleOf, whyUnavailable } from './packages'

const CONNECT = 'github.com/redpanda-data/connect/v4'
const BENTHOS = 'github.com/redpanda-data/benthos/v4'
const hit = (module: string, name: string, more: Partial<PackageHit> = {}): PackageHit => ({
  module,
  version: 'v4.105.0',
  path: `${module}/public/components/${name}`,
  description: '',
  licence: 'apache',
  rclFiles: 0,
  cgo: false,
  platforms: {},
  components: [],
  ...more,
})
const answer = (packages: PackageHit[]): CatalogAnswer => ({ revision: 1, releases: [], packages, total: packages.length })
const newest = answer([hit(BENTHOS, 'pure'), hit(CONNECT, 'kafka'), hit(CONNECT, 'pure'), hit(CONNECT, 'sql/base')])

describe('names', () => {
  it('are the path below the folder of components', () => {
    expect(shortName(`${CONNECT}/public/components/sql/base`)).toBe('sql/base')
    expect(shortName('example.org/x')).toBe('example.org/x')
  })

  it('are unique: the main module keeps the short ones', () => {
    expect(listPackages(newest, []).map(({ name }) => name)).toEqual([`${BENTHOS}/public/components/pure`, 'kafka', 'pure', 'sql/base'])
  })

  it('make a title', () => {
    const urls = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ url: `${CONNECT}/public/components/${name}` }))
    expect(titleOf(urls)).toBe('a, b, c, d and 1 more')
    expect(titleOf([{ url: 'x.y/pure', base: true }, ...urls.slice(0, 1)])).toBe('a')
    expect(titleOf([{ url: 'x.y/pure', base: true }])).toBe('x.y/pure')
    expect(titleOf([{ url: `example.org/${'long'.repeat(9)}/thing` }])).toBe('…/thing')
    expect(titleOf([{ url: `example.org/${'x'.repeat(99)}` }])).toBe(`…/${'x'.repeat(40)}…`)
  })
})

describe('references and modules', () => {
  it('are split', () => {
    expect(splitReference('a.b/c@v1.0.0')).toEqual({ path: 'a.b/c', version: 'v1.0.0' })
    expect(splitReference('a.b/c')).toEqual({ path: 'a.b/c' })
  })

  it('the longest prefix of whole elements wins', () => {
    expect(moduleOf('a.b/c/d/e', ['a.b/c', 'a.b/c/d', 'a.b/c/dd'])).toBe('a.b/c/d')
    expect(moduleOf('a.b/cc', ['a.b/c'])).toBeUndefined()
  })
})

describe('availability', () => {
  const listed = (more: Partial<PackageHit>) => listPackages(answer([hit(CONNECT, 'x', more)]), [])[0]!

  it('has a reason for each refusal', () => {
    expect(whyUnavailable(listed({ cgo: true }), 'linux/amd64', undefined)).toMatch(/cgo/)
    expect(whyUnavailable(listed({ licence: 'rcl' }), 'linux/amd64', undefined)).toMatch(/Licence/)
    expect(whyUnavailable(listed({ platforms: { 'linux/arm': 'empty' } }), 'linux/arm', undefined)).toMatch(/nothing on linux\/arm/)
    expect(whyUnavailable(listed({ platforms: { 'linux/386': 'fails' } }), 'linux/386', undefined)).toMatch(/Doesn't compile/)
  })

  it('has none for what compiles or was never tried', () => {
    expect(whyUnavailable(listed({ platforms: { 'linux/arm': 'empty', 'linux/amd64': 'compiles' } }), 'linux/amd64', undefined)).toBeUndefined()
    expect(whyUnavailable(listed({}), 'linux/amd64', undefined)).toBeUndefined()
  })

  it('an older release replaces the newest; packages that it lacks are shown as missing', () => {
    const older = answer([hit(CONNECT, 'kafka', { version: 'v4.100.0' }), hit(CONNECT, 'gone', { version: 'v4.100.0' })])
    const packages = listPackages(newest, [older])
    const of = (name: string) => packages.find((item) => item.name === name)
    expect(of('kafka')).toMatchObject({ version: 'v4.100.0', isLacking: false })
    expect(of('gone')).toMatchObject({ isLacking: false })
    expect(of('sql/base')).toMatchObject({ isLacking: true })
    expect(whyUnavailable(of('sql/base')!, 'linux/amd64', 'v4.100.0')).toBe('Not in release v4.100.0.')
  })
})

it('versions are ordered by their numbers', () => {
  expect(isNewer('v4.105.0', 'v4.85.0')).toBe(true)
  expect(isNewer('v4.105.0', 'v4.105.0')).toBe(false)
  expect(isNewer('v4.105.0', 'v4.106.0')).toBe(false)
  expect(isNewer('v4.105.0', 'v4.105.0-rc.1')).toBe(true)
})
