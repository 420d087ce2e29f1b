/** Go releases on offer, by their lines, such as 1.26. */

const numbersOf = (version: string): number[] => version.split('.').map(Number)

/** `1.26` of `1.26.11`. */
export const lineOf = (version: string): string => version.split('.').slice(0, 2).join('.')

function compareLines(left: string, right: string): number {
  const [a, b] = [numbersOf(left), numbersOf(right)]
  return (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0)
}

/** Whether a release is of a newer line than another. */
export const isNewerLine = (version: string, other: string): boolean => compareLines(version, other) > 0

/** Releases in the order of the server: the first of each line is its newest. */
export function byLine(releases: string[]): { newest: string[]; older: string[] } {
  const newest = releases.filter((version, place) => releases.findIndex((other) => lineOf(other) === lineOf(version)) === place)
  return { newest, older: releases.filter((version) => !newest.includes(version)) }
}

/**
 * Go releases that all of these module releases can be built with. The default comes first: of the newest line that
 * every module is known to be built with, which is the line of its own default or an older one.
 */
export function commonGoVersions(offers: string[][]): string[] {
  const [first = [], ...others] = offers
  const common = first.filter((version) => others.every((offered) => offered.includes(version)))
  const defaults = offers.flatMap(([own]) => own ?? []).sort(compareLines)
  const start = common.find((version) => defaults[0] !== undefined && lineOf(version) === lineOf(defaults[0])) ?? common[0]
  return start === undefined ? [] : [start, ...common.filter((version) => version !== start)]
}

/** How far a builder without Go is with fetching one. */
export interface GoFetch {
  version: string
  /** In the words of the builder. */
  words: string
  /** Megabytes so far, and in all. */
  done?: number
  of?: number
}

const FETCH = /^(?:another process is fetching|fetching|unpacking) Go (\d+\.\d+\.\d+)(?:, (\d+)(?: of (\d+))? MB)?$/

/** The fetch that a builder's `problem` reports; `undefined`: the problem is another. */
export function goFetchOf(problem: string | undefined): GoFetch | undefined {
  const [words, version, done, of] = FETCH.exec(problem ?? '') ?? []
  if (words === undefined || version === undefined) return undefined
  return { version, words, ...(done !== undefined && { done: Number(done) }), ...(of !== undefined && { of: Number(of) }) }
}
