import { describe, expect, it } from 'vitest'

import { acceptable, flawsOf, labelOf, whyNotName, whyNotVersion } from './distribution'

// The same texts as in the tests of the service.
describe('a name', () => {
  it.each(['a', 'acme-connect', 'acme_connect.v2', 'a'.repeat(64)])('%s is accepted', (text) => {
    expect(whyNotName(text)).toBeUndefined()
  })
  it.each(['', 'Acme', '1st', '-a', '.a', 'a b', 'a/b', 'a"b', 'a\\b', 'a\nb', 'a\n', 'a+b', 'é', 'a'.repeat(65)])('%j isn’t', (text) => {
    expect(whyNotName(text)).toBeDefined()
  })
  it('is refused with its fault', () => {
    expect([whyNotName('acmE'), whyNotName('1st'), whyNotName('a b')].map((text) => text?.split(' ').slice(2).join(' '))).toEqual([
      'has no capital letters.',
      'begins with a letter.',
      'contains only lower-case letters, digits and - _ .',
    ])
  })
})

describe('a version', () => {
  it.each(['1.4.0', 'v1', '2026-11-29', '1.0.0-rc.1+build_7', '1'.repeat(64)])('%s is accepted', (text) => {
    expect(whyNotVersion(text)).toBeUndefined()
  })
  it.each(['', '1 0', '1/0', '1"0', '1\\0', '1\n0', '1\n', '1~0', 'é', '1'.repeat(65)])('%j isn’t', (text) => {
    expect(whyNotVersion(text)).toBeDefined()
  })
})

describe('a distribution', () => {
  it('without name and version has no flaws', () => {
    expect(flawsOf({})).toEqual({})
    expect(flawsOf({ name: '', version: '' })).toEqual({})
  })
  it('is sent as far as the service accepts it', () => {
    expect(acceptable({ name: 'acme', version: '1.4.0' })).toEqual({ name: 'acme', version: '1.4.0' })
    expect(acceptable({ name: 'acme; rm -rf /', version: '1.4.0' })).toEqual({ version: '1.4.0' })
    expect(acceptable({ name: undefined, version: '1\nRUN x' })).toEqual({})
  })
  it('has a label', () => {
    expect([labelOf({}), labelOf({ name: 'acme' }), labelOf({ version: '1.4.0' }), labelOf({ name: 'acme', version: '1.4.0' })]).toEqual([
      undefined,
      'acme',
      'Version 1.4.0',
      'acme 1.4.0',
    ])
  })
})
