/** Go releases on offer, by their lines, such as 1.26. */

/** `1.26` of `1.26.11`. */
export const lineOf = (version: string): string => version.split('.').slice(0, 2).join('.')

/** Compares by numbers, of which a line has fewer. */
function compare(left: string, right: string): number {
  const [a, b] = [left, right].map((version) => version.split('.').map(Number))
  return a?.map((part, place) => part - (b?.[place] ?? 0)).find((difference) => difference !== 0) ?? 0
}

/** Whether a release is of a newer line than another. */
export const isNewerLine = (version: string, other: string): boolean => compare(lineOf(version), lineOf(other)) > 0

/** The newest of each line, and older ones, both in the given order. */
export function byLine(releases: string[]): { newest: string[]; older: string[] } {
  const isOlder = (version: string): boolean => releases.some((other) => lineOf(other) === lineOf(version) && compare(other, version) > 0)
  return { newest: releases.filter((version) => !isOlder(version)), older: releases.filter(isOlder) }
}

/**
 * Go releases that all of these module releases can be built with. The likely default comes first: that of the module with the
 * oldest default. Only the server knows for certain, and says so once something is picked.
 */
export function commonGoVersions(offers: string[][]): string[] {
  const [first = [], ...others] = offers
  const common = first.filter((version) => others.every((offered) => offered.includes(version)))
  const defaults = offers.flatMap(([own]) => own ?? []).sort(compare)
  const start =
    defaults.find((version) => common.includes(version)) ??
    common.find((version) => defaults[0] !== undefined && lineOf(version) === lineOf(defaults[0])) ??
    common[0]
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
