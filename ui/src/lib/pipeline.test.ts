import { describe, expect, it } from 'vitest'

import { placeOf } from './pipeline'

describe('placeOf', () => {
  const text = 'input:\n  natz: {}\noutput:\n'
  it('finds the word at a line and a column', () => {
    const { start, end } = placeOf(text, 2, 3)
    expect(text.slice(start, end)).toBe('natz')
  })
  it('stays within the text', () => {
    expect(placeOf(text, 9, 9).start).toBe(text.length)
  })
})
