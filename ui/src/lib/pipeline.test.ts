import { describe, expect, it } from 'vitest'

import { placeOf } from './pipeline'

const wordAt = (text: string, line: number, column: number): string => {
  const { start, end } = placeOf(text, line, column)
  return text.slice(start, end)
}

describe('placeOf', () => {
  const text = 'input:\n  natz: {}\noutput:\n'
  it('finds the word at a line and a column', () => {
    expect(wordAt(text, 2, 3)).toBe('natz')
  })
  it('stays within the text', () => {
    expect(placeOf(text, 9, 9).start).toBe(text.length)
  })
  it('finds a whole variable', () => {
    expect(wordAt('a: ${SOURCE}x', 1, 4)).toBe('${SOURCE}')
    expect(wordAt('${A.b_1:a, {b: c} d}', 1, 1)).toBe('${A.b_1:a, {b: c}')
    expect(wordAt('${A:${B}}', 1, 1)).toBe('${A:${B}}')
    expect(wordAt('[${A|base64decode}]', 1, 2)).toBe('${A|base64decode}')
  })
  it('counts characters', () => {
    expect(wordAt("# \n'🦘🦘': natz\n", 2, 7)).toBe('natz')
  })
})
