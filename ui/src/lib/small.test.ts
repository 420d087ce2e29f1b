import { describe, expect, it } from 'vitest'

import { errorOf } from '@/api/error'

import { artifactPath, isBuildId, parseBuildId, shortHash } from './buildId'
import { listComponents, searchComponents } from './components'
import { duration, megabytes, relative, roughly } from './format'
import { whyNotImportPath } from './importPath'
import { groupByKind } from './kinds'
import { logLines } from './log'
import { architectureFor, guessPlatform, isUsualVariant } from './platforms'
import { sortProblems } from './problems'
import { decodeFacets, encodeFacets, joinQuery } from './query'

const id = `build.linux.arm64.1_26_8.${'0f'.repeat(32)}`

describe('ids', () => {
  it('are parsed', () => {
    expect(parseBuildId(id)).toEqual({ goos: 'linux', goarch: 'arm64', go: '1.26.8', hash: '0f'.repeat(32) })
    expect(artifactPath(id)).toBe(`/artifacts/linux/arm64/1.26.8/${'0f'.repeat(32)}`)
    expect(shortHash(id)).toBe('0f0f0f0f0f0f')
  })
  it('are distinguished from other texts', () => {
    expect(isBuildId(id)).toBe(true)
    expect(isBuildId(id.slice(0, -1))).toBe(false)
  })
})

describe('numbers', () => {
  it('have their units', () => {
    expect(megabytes(28_060_000)).toBe('28.1 MB')
    expect(duration(412)).toBe('0.4 s')
    expect(duration(125_000)).toBe('2 min 5 s')
    expect(duration(3_840_000)).toBe('1 h 4 min')
    expect(duration(-5)).toBe('0.0 s')
    expect(roughly(0.2)).toBe('1 s')
    expect(roughly(170)).toBe('3 min')
  })
  it('express times relative to now', () => {
    const now = Date.parse('2026-11-21T12:00:00Z')
    expect(relative('2026-11-21T11:59:58Z', now)).toBe('just now')
    expect(relative('2026-11-21T11:57:00Z', now)).toBe('3 minutes ago')
    expect(relative('2026-11-20T11:00:00Z', now)).toBe('yesterday')
  })
})

it('platforms are guessed harmlessly', () => {
  expect(guessPlatform({ platform: 'macOS' })).toEqual({ goos: 'darwin', goarch: 'arm64' })
  expect(guessPlatform({ platform: 'macOS', architecture: 'x86' })).toEqual({ goos: 'darwin', goarch: 'amd64' })
  expect(guessPlatform({ platform: 'Windows', architecture: 'arm', bitness: '64' })).toEqual({ goos: 'windows', goarch: 'arm64' })
  expect(guessPlatform({ platform: 'Linux', architecture: 'arm', bitness: '64' })).toEqual({ goos: 'linux', goarch: 'arm64' })
  expect(guessPlatform({ platform: 'PlayStation' })).toEqual({ goos: 'linux', goarch: 'amd64' })
})

it('another system keeps the architecture if it is on offer', () => {
  const offered = (['linux/amd64', 'linux/s390x', 'darwin/amd64', 'darwin/arm64', 'windows/amd64'] as const).map((text) => {
    const [goos, goarch] = text.split('/') as ['linux', 'amd64']
    return { goos, goarch, variants: ['v1' as const] }
  })
  expect(architectureFor(offered, 'windows', 'amd64')).toBe('amd64')
  expect(architectureFor(offered, 'windows', 's390x')).toBe('amd64')
  expect(architectureFor(offered, 'darwin', 'amd64')).toBe('arm64')
  expect(architectureFor([], 'linux', 'amd64')).toBe('amd64')
})

it('the default level isn’t shown', () => {
  expect(isUsualVariant('amd64', 'v1')).toBe(true)
  expect(isUsualVariant('amd64', 'v3')).toBe(false)
  expect(isUsualVariant('s390x', 'none')).toBe(true)
})

describe('import paths', () => {
  it.each(['github.com/a/b', 'github.com/a/b@v1.2.3', 'example.org/x@v2.0.0-rc.1', 'x.y/z@v2.0.0+incompatible'])('%s is valid', (text) => {
    expect(whyNotImportPath(text)).toBeUndefined()
  })
  it.each(['', 'kafka', 'https://github.com/a/b', 'github.com//b', 'github.com/../b', 'github.com/a b', 'a.b/c@latest', 'a.b/c@v1@v2', `a.b/${'c'.repeat(260)}`])(
    '%j isn’t',
    (text) => expect(whyNotImportPath(text)).toBeDefined(),
  )
})

it('problems are assigned to the part that can be fixed', () => {
  const request = { goos: 'linux', goarch: 'amd64', packages: ['a.b/c@v1.0.0', 'a.b/d'], components: ['kafak'] }
  const sorted = sortProblems(
    [
      { code: 'unknown_package', field: 'packages[0]', message: 'one' },
      { code: 'unknown_component', field: 'components[0]', message: 'two' },
      { code: 'unsupported_platform', field: 'goarch', message: 'three' },
      { code: 'unknown_version', field: 'modules.a.b/c', message: 'four' },
      { code: 'too_busy', message: 'five' },
      { code: 'invalid_value', field: 'name', message: 'seven' },
      { code: 'invalid_value', field: 'version', message: 'eight' },
      { code: 'unknown_package', field: 'packages[9]', message: 'six' },
    ],
    request,
  )
  expect(sorted).toEqual({
    packages: { 'a.b/c': ['one'] },
    components: { kafak: ['two'] },
    target: ['three', 'four'],
    name: ['seven'],
    version: ['eight'],
    other: ['five', 'six'],
  })
})

describe('queries', () => {
  const facets = [
    { field: 'package', value: 'github.com/a/b' },
    { field: 'go', value: '1.26.8' },
  ] as const
  it('quote what isn’t a plain word', () => {
    expect(joinQuery('  kafka ', [...facets])).toBe('kafka package:"github.com/a/b" go:1.26.8')
    expect(joinQuery('', [])).toBe('')
  })
  it('survive the address', () => {
    expect(decodeFacets(encodeFacets([...facets]))).toEqual([facets[1], facets[0]])
    expect(decodeFacets(['colour:red', 'status:', 'nonsense'])).toEqual([])
  })
})

describe('errors', () => {
  it('keep every problem of a problem document', () => {
    const body = { code: 'missing_field', detail: 'x', requestId: 'r1', problems: [{ code: 'missing_field', field: 'goos', message: 'y' }] }
    const error = errorOf(400, JSON.stringify(body), null)
    expect(error).toMatchObject({ status: 400, code: 'missing_field', message: 'x', requestId: 'r1', problems: body.problems })
    expect(error.isPassing).toBe(false)
  })
  it('have a message where the server sends none', () => {
    const error = errorOf(502, '<html>', '7')
    expect(error).toMatchObject({ status: 502, retryAfter: 7, isPassing: true, isUnreachable: true })
    expect(error.message).toContain('502')
  })
})

it('kinds come in their order', () => {
  const groups = groupByKind([
    { kind: 'output', name: 'b' },
    { kind: 'input', name: 'z' },
    { kind: 'output', name: 'a' },
  ])
  expect(groups).toEqual([
    { kind: 'input', names: ['z'] },
    { kind: 'output', names: ['a', 'b'] },
  ])
})

it('components name the packages that provide them', () => {
  const hit = (path: string) => ({ path, components: [{ kind: 'input' as const, name: 'kafka' }] })
  const packages = [hit('x.y/public/components/kafka'), hit('x.y/public/components/aws')] as Parameters<typeof listComponents>[0]
  const groups = listComponents(packages)
  expect(groups).toMatchObject([{ kind: 'input', components: [{ name: 'kafka', packages: ['x.y/public/components/aws', 'x.y/public/components/kafka'] }] }])
  expect([...searchComponents(groups, 'components AWS', [])]).toEqual(groups[0]?.components)
  expect(searchComponents(groups, 'nats', []).size).toBe(0)
  expect(searchComponents(groups, 'aws', ['output']).size).toBe(0)
})

it('a log shows a phase once', () => {
  const entry = (n: number, done: number) => ({
    sequence: n,
    claim: 'c',
    n,
    at: 100 * n,
    event: 'phase' as const,
    phase: 'compile' as const,
    progress: { done, total: 9, cached: 0 },
  })
  const lines = logLines([entry(1, 0), entry(2, 5), { sequence: 3, claim: 'c', n: 3, at: 300, event: 'lines', lines: ['a', '<b>'] }])
  expect(lines.map(({ text }) => text)).toEqual(['compile (after 0.1 s)', 'a', '<b>'])
})
