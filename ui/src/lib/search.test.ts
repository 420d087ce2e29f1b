import { describe, expect, it } from 'vitest'

import type { Component } from '@/api/types'

import type { ListedPackage } from './packages'
import { countPackages, hiddenWords, nearest, searchPackages, words } from './search'

const listed = (name: string, components: string[], more: Partial<ListedPackage> = {}): ListedPackage => ({
  name,
  path: `github.com/redpanda-data/connect/v4/public/components/${name}`,
  module: 'github.com/redpanda-data/connect/v4',
  version: 'v4.105.0',
  description: '',
  licence: 'apache',
  rclFiles: 0,
  cgo: false,
  platforms: {},
  isLacking: false,
  components: components.map((text) => {
    const [kind, component] = text.split('/')
    return { kind, name: component } as Component
  }),
  ...more,
})

const all = [
  listed('aws', ['input/aws_s3', 'output/aws_s3', 'input/kafka'], { licence: 'community', description: 'Amazon Web Services' }),
  listed('kafka', ['input/kafka', 'input/kafka_franz', 'output/kafka']),
  listed('redis', ['cache/redis', 'rate_limit/redis'], { support: ['certified', 'community'] }),
]
const search = (text: string, more = {}): string[] =>
  searchPackages(all, { text, kinds: [], licences: [], ...more }).map((hit) => hit.listed.name)

describe('search', () => {
  it('without words matches everything', () => expect(search('')).toEqual(['aws', 'kafka', 'redis']))

  it('finds by component, package, kind, description; best first', () => {
    expect(search('kafka')).toEqual(['kafka', 'aws'])
    expect(search('s3')).toEqual(['aws'])
    expect(search('"rate limit"')).toEqual(['redis'])
    expect(search('amazon')).toEqual(['aws'])
    expect(search('AWS_S3')).toEqual(['aws'])
  })

  it('needs every word', () => {
    expect(search('kafka s3')).toEqual(['aws'])
    expect(search('kafka redis')).toEqual([])
  })

  it('filters by kind, licence and support', () => {
    expect(search('', { kinds: ['cache'] })).toEqual(['redis'])
    expect(search('kafka', { kinds: ['output'] })).toEqual(['kafka'])
    expect(search('', { licences: ['community'] })).toEqual(['aws'])
    expect(search('', { support: ['community', 'enterprise'] })).toEqual(['redis'])
    expect(search('', { support: ['enterprise'] })).toEqual([])
  })

  it('counts the packages of each choice, under the other filters', () => {
    const counted = (more = {}) => countPackages(all, { text: '', kinds: [], licences: [], ...more })
    expect(counted()).toMatchObject({ input: 2, cache: 1, buffer: 0, apache: 2, community: 1, 'support certified': 1 })
    expect(counted()['support enterprise']).toBeUndefined()
    expect(counted({ licences: ['community'] })).toMatchObject({ input: 1, cache: 0, apache: 2, community: 1 })
    expect(counted({ text: 'redis' })).toMatchObject({ input: 0, cache: 1, apache: 1 })
  })

  it('names the reason', () => {
    const [hit] = searchPackages(all, { text: 'franz', kinds: [], licences: [] })
    expect(hit?.matched).toEqual([{ kind: 'input', name: 'kafka_franz' }])
    expect(hit?.why).toBeUndefined()
    expect(searchPackages(all, { text: 'amazon', kinds: [], licences: [] })[0]?.why).toBe('its description says “amazon”')
    expect(searchPackages(all, { text: 'caches', kinds: [], licences: [] })[0]?.why).toBe('it has caches')
  })

  it('normalises quotes, underscores and case', () => expect(words('Foo_bar "Rate  limit" -')).toEqual(['foo bar', 'rate  limit']))

  it('suggests similar names', () => {
    expect(nearest('kafak', ['kafka', 'redis', 'kafka_franz'])).toEqual(['kafka'])
    expect(nearest('zzzzzz', ['kafka'])).toEqual([])
  })

  it('counts the packages that a filter hides', () => {
    expect(hiddenWords(1, 'linux/386')).toBe('1 package can’t be built for linux/386 and is hidden.')
    expect(hiddenWords(3, 'linux/386')).toBe('3 packages can’t be built for linux/386 and are hidden.')
  })
})
