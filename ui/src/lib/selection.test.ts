import { describe, expect, it } from 'vitest'

import type { BuildView } from '@/api/types'

import { emptySelection, fromQuery, ofBuild, repeatOf, speaksOfSelection, toQuery, toRequest, without, type Selection } from './selection'

const CONNECT = 'github.com/redpanda-data/connect/v4'
const kafka = `${CONNECT}/public/components/kafka`
const nats = `${CONNECT}/public/components/nats`

const full: Selection = {
  packages: [nats, 'example.org/mine/thing@v1.2.3', kafka],
  components: ['output/aws_s3', 'cache/redis'],
  goos: 'linux',
  goarch: 'arm',
  variant: 'v6',
  go: '1.26.8',
  modules: { [CONNECT]: 'v4.100.0' },
  base: 'pure',
  name: 'acme-connect',
  version: '1.4.0+7',
}

describe('the address of a selection', () => {
  it('is canonical: independent of the order of picks', () => {
    const other = { ...full, packages: [...full.packages].reverse(), components: [...full.components].reverse() }
    expect(toQuery(full)).toEqual(toQuery(other))
    expect(toQuery(full)).toEqual({
      p: 'example.org/mine/thing@v1.2.3,kafka,nats',
      c: 'cache/redis,output/aws_s3',
      platform: 'linux/arm',
      variant: 'v6',
      go: '1.26.8',
      m: `${CONNECT}@v4.100.0`,
      base: 'pure',
      name: 'acme-connect',
      version: '1.4.0+7',
    })
  })

  it('yields the same selection again', () => {
    const read = fromQuery(toQuery(full), emptySelection())
    expect(toQuery(read)).toEqual(toQuery(full))
    expect(toRequest(read)).toEqual(toRequest(full))
  })

  it('is read leniently', () => {
    const read = fromQuery({ p: ' kafka,,kafka ', platform: 'nonsense', m: 'no-version', base: 'x', go: ['a', 'b'] }, emptySelection('darwin', 'arm64'))
    expect(read).toEqual({ ...emptySelection('darwin', 'arm64'), packages: [kafka] })
  })

  it('may contain no selection', () => {
    expect(speaksOfSelection({ q: 'kafka', kind: 'input' })).toBe(false)
    expect(speaksOfSelection({ p: 'kafka' })).toBe(true)
    expect(speaksOfSelection({ name: 'acme' })).toBe(true)
    expect(speaksOfSelection({ version: '1.4.0' })).toBe(true)
  })
})

describe('the request of a selection', () => {
  it('leaves out defaults', () => {
    expect(toRequest({ ...emptySelection(), packages: [kafka] })).toEqual({ goos: 'linux', goarch: 'amd64', packages: [kafka] })
  })

  it('has an own name and version, unless they break the rules', () => {
    const own = { ...emptySelection(), packages: [kafka], name: 'acme', version: '1.4.0' }
    expect(toRequest(own)).toMatchObject({ name: 'acme', version: '1.4.0' })
    const broken = { ...own, name: 'ACME' }
    expect(toRequest(broken)).not.toHaveProperty('name')
    // The address keeps it, to be corrected.
    expect(toQuery(broken).name).toBe('ACME')
  })

  it('leaves out releases of modules without a pick', () => {
    const modules = { [CONNECT]: 'v4.100.0', 'example.org/other': 'v1.0.0' }
    expect(toRequest({ ...emptySelection(), packages: [kafka], modules }).modules).toEqual({ [CONNECT]: 'v4.100.0' })
    expect(toRequest({ ...emptySelection(), packages: [`${kafka}@v4.85.0`], modules }).modules).toBeUndefined()
    expect(toRequest({ ...emptySelection(), components: ['kafka'], modules }).modules).toEqual(modules)
  })
})

describe('the selection of a build', () => {
  const base = 'github.com/redpanda-data/benthos/v4'
  const build: BuildView = {
    id: `build.linux.s390x.1_26_8.${'0'.repeat(64)}`,
    revision: 1,
    graph: CONNECT,
    template: 1,
    tags: [],
    ldflags: '-s -w',
    catalogRevision: 1,
    status: 'success',
    attempt: 1,
    requested: '2026-11-21T00:00:00Z',
    goos: 'linux',
    goarch: 's390x',
    variant: 'none',
    goversion: '1.26.8',
    packages: [
      { url: `${base}/public/components/io`, module: base, base: true },
      { url: `${base}/public/components/pure`, module: base, base: true },
      { url: kafka, module: CONNECT },
      { url: nats, module: CONNECT },
    ],
    modules: { [base]: 'v4.77.0', [CONNECT]: 'v4.105.0' },
  }

  it('requests the picks at their versions, without the base', () => {
    expect(toRequest(ofBuild(build))).toEqual({
      goos: 'linux',
      goarch: 's390x',
      goVersion: '1.26.8',
      packages: [kafka, nats],
      modules: { [CONNECT]: 'v4.105.0' },
    })
  })

  it('has its own name and version', () => {
    const own = ofBuild({ ...build, name: 'acme', version: '1.4.0' })
    expect(toQuery(own)).toMatchObject({ name: 'acme', version: '1.4.0' })
    expect(toRequest(own)).toMatchObject({ name: 'acme', version: '1.4.0' })
    expect(toQuery(ofBuild(build))).not.toHaveProperty('name')
  })

  it('is repeated by the rules of its template, here and for another platform', () => {
    expect(repeatOf(build)).toEqual({ ...toRequest(ofBuild(build)), template: 1 })
    expect(repeatOf({ ...build, template: 2 }, { goos: 'darwin', goarch: 'arm64' })).toMatchObject({ template: 2, goos: 'darwin', goarch: 'arm64' })
    // Another selection gets the newest.
    expect(toRequest(ofBuild(build))).not.toHaveProperty('template')
  })

  it('recognises a base without io', () => {
    expect(ofBuild({ ...build, packages: build.packages.slice(1) }).base).toBe('pure')
  })

  it('requests the base if nothing else was picked', () => {
    expect(ofBuild({ ...build, packages: build.packages.slice(0, 2) }).packages).toHaveLength(2)
  })

  it('can leave out one package', () => {
    expect(without(ofBuild(build), kafka).packages).toEqual([nats])
    expect(without(full, 'example.org/mine/thing').packages).toEqual([nats, kafka])
  })
})
