import { describe, expect, it } from 'vitest'

import { byLine, commonGoVersions, goFetchOf, isNewerLine } from './goReleases'

/** As the server lists them: the default, the newest of each other line, then the others. */
const offered = ['1.26.11', '1.27.4', '1.25.9', '1.27.3', '1.26.10', '1.26.9', '1.25.8']

describe('Go releases', () => {
  it('are split into the newest of each line and older ones', () => {
    expect(byLine(offered)).toEqual({ newest: ['1.26.11', '1.27.4', '1.25.9'], older: ['1.27.3', '1.26.10', '1.26.9', '1.25.8'] })
    expect(byLine([])).toEqual({ newest: [], older: [] })
    // The operator’s default needn’t be the newest of its line.
    expect(byLine(['1.26.8', '1.26.11', '1.27.4', '1.26.10'])).toEqual({ newest: ['1.26.11', '1.27.4'], older: ['1.26.8', '1.26.10'] })
  })

  it('have lines in the order of numbers', () => {
    expect(isNewerLine('1.27.0', '1.26.11')).toBe(true)
    expect(isNewerLine('1.26.11', '1.26.0')).toBe(false)
    expect(isNewerLine('1.9.9', '1.26.0')).toBe(false)
    expect(isNewerLine('2.0.0', '1.26.0')).toBe(true)
  })
})

describe('Go releases of several modules', () => {
  it('are those of one', () => {
    expect(commonGoVersions([offered])).toEqual(offered)
    expect(commonGoVersions([])).toEqual([])
    expect(commonGoVersions([[]])).toEqual([])
  })

  it('are those that all of them have', () => {
    expect(commonGoVersions([offered, ['1.26.11', '1.27.4', '1.26.10']])).toEqual(['1.26.11', '1.27.4', '1.26.10'])
    expect(commonGoVersions([offered, ['1.24.1']])).toEqual([])
  })

  it('begin with the default of the module with the older line', () => {
    const newer = ['1.27.4', '1.26.11', '1.27.3', '1.26.10']
    expect(commonGoVersions([newer, offered])).toEqual(['1.26.11', '1.27.4', '1.27.3', '1.26.10'])
    expect(commonGoVersions([offered, newer])).toEqual(['1.26.11', '1.27.4', '1.27.3', '1.26.10'])
  })

  it('begin with the operator’s default where all of them have it', () => {
    const chosen = ['1.26.10', '1.26.11', '1.27.4']
    expect(commonGoVersions([chosen, ['1.26.10', '1.27.4', '1.26.11']])).toEqual(['1.26.10', '1.26.11', '1.27.4'])
    expect(commonGoVersions([chosen, ['1.27.4', '1.26.11']])).toEqual(['1.27.4', '1.26.11'])
  })
})

describe('the fetch of a Go release', () => {
  it('is read from the words of the builder', () => {
    expect(goFetchOf('fetching Go 1.26.11, 34 of 70 MB')).toEqual({ version: '1.26.11', words: 'fetching Go 1.26.11, 34 of 70 MB', done: 34, of: 70 })
    expect(goFetchOf('fetching Go 1.26.11, 34 MB')).toEqual({ version: '1.26.11', words: 'fetching Go 1.26.11, 34 MB', done: 34 })
    for (const words of ['fetching Go 1.26.11', 'unpacking Go 1.26.11', 'another process is fetching Go 1.26.11']) {
      expect(goFetchOf(words)).toEqual({ version: '1.26.11', words })
    }
  })

  it('is told apart from problems', () => {
    expect(goFetchOf(undefined)).toBeUndefined()
    expect(goFetchOf('fetching Go 1.26.11 failed: no space left')).toBeUndefined()
    expect(goFetchOf('The disk has 1.0 GiB left.')).toBeUndefined()
  })
})
