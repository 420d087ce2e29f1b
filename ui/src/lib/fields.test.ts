import { describe, expect, it } from 'vitest'

import { rowsOf, whatOf } from './fields'

describe('whatOf', () => {
  it('names the type of a field', () => {
    expect(whatOf({ type: 'processor', shape: 'array' })).toBe('list: processor')
    expect(whatOf({ type: 'string', bloblang: true })).toBe('mapping')
    expect(whatOf({ type: 'string', interpolated: true })).toBe('text with mappings')
    expect(whatOf({ type: 'int' })).toBe('whole number')
  })
})

describe('rowsOf', () => {
  it('lists fields with their nested ones', () => {
    const rows = rowsOf({
      type: 'object',
      children: [
        { name: 'url', type: 'string' },
        { name: 'tls', type: 'object', advanced: true, children: [{ name: 'enabled', type: 'bool', optional: true, default: false }] },
      ],
    })
    expect(rows.map(({ path }) => path)).toEqual(['url', 'tls', 'tls.enabled'])
    expect(rows.map(({ needed }) => needed)).toEqual([true, false, false])
    expect(rows.map(({ advanced }) => advanced)).toEqual([false, true, true])
    expect(rows[2]?.default).toBe('false')
  })
})
