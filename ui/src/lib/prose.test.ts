import { describe, expect, it } from 'vitest'

import { readInline, readProse } from './prose'

describe('prose', () => {
  it('reads headings, lists, code and paragraphs of both kinds', () => {
    expect(readProse('One\ntwo.\n\n== Performance\n\n- first\n  goes on\n- second\n\n```yaml\na: 1\n\nb: 2\n```\n')).toEqual([
      { kind: 'paragraph', parts: [{ kind: 'text', text: 'One two.' }] },
      { kind: 'heading', text: 'Performance' },
      { kind: 'list', items: [[{ kind: 'text', text: 'first goes on' }], [{ kind: 'text', text: 'second' }]] },
      { kind: 'code', text: 'a: 1\n\nb: 2' },
    ])
    expect(readProse('### `x` here\n[source,yaml]\n----\na\n----')).toEqual([
      { kind: 'heading', text: 'x here' },
      { kind: 'code', text: 'a' },
    ])
  })

  it('closes code that isn’t closed', () => expect(readProse('```\na')).toEqual([{ kind: 'code', text: 'a' }]))

  it('finds code, links and emphasis in a line', () => {
    expect(readInline('Use `a.b` **now**, see [the *docs*](https://x.y/z) or https://x.y/q[there^].')).toEqual([
      { kind: 'text', text: 'Use ' },
      { kind: 'code', text: 'a.b' },
      { kind: 'text', text: ' ' },
      { kind: 'strong', text: 'now' },
      { kind: 'text', text: ', see ' },
      { kind: 'link', text: 'the *docs*', href: 'https://x.y/z' },
      { kind: 'text', text: ' or ' },
      { kind: 'link', text: 'there', href: 'https://x.y/q' },
      { kind: 'text', text: '.' },
    ])
    expect(readInline('xref:components:inputs/a.adoc[`a`] and https://x.y.')).toEqual([
      { kind: 'text', text: 'a' },
      { kind: 'text', text: ' and ' },
      { kind: 'link', text: 'https://x.y', href: 'https://x.y' },
      { kind: 'text', text: '.' },
    ])
  })

  it('names a page that is linked without a text', () =>
    expect(readInline('see xref:guides:bloblang/about.adoc[].').map(({ text }) => text)).toEqual(['see ', 'about', '.']))

  it('links web addresses only', () =>
    expect(readInline('[x](javascript:alert)')).toEqual([{ kind: 'text', text: '[x](javascript:alert)' }]))
})
