import { describe, expect, it } from 'vitest'

import type { PipelineMistake, PipelineVariable } from '@/api/types'

import { otherWarnings, valuesFor, variableRows, whyNotValue } from './variables'

const variable = (name: string, more: Partial<PipelineVariable> = {}): PipelineVariable => ({
  name,
  places: [{ line: 1, column: 1 }],
  given: false,
  decides: false,
  ...more,
})
const warning = (line: number, column: number, message: string): PipelineMistake => ({ line, column, message })

describe('the values that are sent', () => {
  const values = new Map([
    ['B', '2'],
    ['A', '1'],
    ['EMPTY', ''],
    ['GONE', '4'],
    ['b.C_1', 'x'],
    ['__proto__', 'p'],
  ])
  it('are those of variables in the text', () => {
    expect(valuesFor('a: ${A}\nb: ${B:default}\nc: ${b.C_1|base64decode}\nd: ${EMPTY}', values)).toEqual({ A: '1', B: '2', 'b.C_1': 'x' })
    expect(JSON.stringify(valuesFor('${__proto__}', values))).toBe('{"__proto__":"p"}')
  })
  it('are none without a variable and a value', () => {
    expect(valuesFor('a: A $A {A} ${A B} ${GONE', values)).toBeUndefined()
    expect(valuesFor('a: ${EMPTY}', values)).toBeUndefined()
    expect(valuesFor('a: ${A}', new Map())).toBeUndefined()
  })
  it('aren’t longer than the service accepts', () => {
    const long = 'é'.repeat(8 * 1024)
    expect(whyNotValue(long)).toBeUndefined()
    expect(whyNotValue(`${long}x`)).toBeDefined()
    expect(valuesFor('${A}${B}', new Map([['A', `${long}x`], ['B', 'b']]))).toEqual({ B: 'b' })
  })
})

describe('the list of variables', () => {
  const decides = warning(3, 5, '`${SOURCE}` decides here; give it a value.')
  const merged = warning(9, 3, 'Fields that `<<` merges are ignored.')
  const variables = [
    variable('ADDRESS', { default: 'localhost', places: [{ line: 4, column: 9 }] }),
    variable('KIND', { decides: true, given: true, places: [{ line: 6, column: 5 }] }),
    variable('SOURCE', { decides: true, places: [{ line: 3, column: 5 }] }),
  ]

  it('begins with those that decide and have no value, with the words of the answer', () => {
    const rows = variableRows(variables, [decides, merged])
    expect(rows.map(({ name, isOpen, words }) => [name, isOpen, words])).toEqual([
      ['SOURCE', true, [decides]],
      ['ADDRESS', false, []],
      ['KIND', false, []],
    ])
    expect(otherWarnings([decides, merged], rows)).toEqual([merged])
  })

  it('finds a warning behind the places that the answer lists', () => {
    const far = warning(80, 5, '`${SOURCE:}` decides here; give it a value.')
    expect(variableRows([variable('SOURCE', { decides: true, default: 'x' })], [far])).toMatchObject([{ isOpen: true, words: [far] }])
    // A name that only begins like it.
    expect(variableRows([variable('SOUR', { decides: true })], [far])[0]?.words).toEqual([])
  })

  it('has no words about a value that is given, and none is lost', () => {
    const rows = variableRows([variable('SOURCE', { decides: true, given: true, places: [{ line: 3, column: 5 }] })], [decides])
    expect(rows).toMatchObject([{ isOpen: false, words: [] }])
    expect(otherWarnings([decides], rows)).toEqual([decides])
  })

  it('takes a default for a value', () => {
    expect(variableRows([variable('KIND', { decides: true, default: 'nats' })], [])[0]?.isOpen).toBe(false)
  })

  it('keeps its order while a value is typed', () => {
    const kept = ['ADDRESS', 'GONE', 'SOURCE']
    const names = (rows: PipelineVariable[]): string[] => rows.map(({ name }) => name)
    expect(names(variableRows([...variables, variable('A', { decides: true })], [decides], kept))).toEqual(['ADDRESS', 'SOURCE', 'A', 'KIND'])
  })
})
