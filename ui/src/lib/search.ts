/** Finds packages by typed words, and names the reason of each match. */
import type { Component, ComponentKind, Licence, SupportLevel } from '@/api/types'

import { count } from './format'
import { kindWords, kinds } from './kinds'
import type { ListedPackage } from './packages'

export interface Hit {
  listed: ListedPackage
  /** Components whose names contain a typed word. */
  matched: Component[]
  /** The reason in words, if neither its name nor a component matched. */
  why: string | undefined
  score: number
}

export interface PackageFilter {
  text: string
  kinds: ComponentKind[]
  licences: Licence[]
  support?: SupportLevel[]
  /** Only packages for which this holds. */
  only?: (listed: ListedPackage) => boolean
}

/** Words of a query; a quoted phrase is one word. Underscores and dashes count as blanks. */
export function words(text: string): string[] {
  return [...text.toLowerCase().matchAll(/"([^"]+)"|(\S+)/g)].map((match) => madePlain(match[1] ?? match[2] ?? '').trim()).filter(Boolean)
}

/** Normalises a text as words of a query are: in lower case, with blanks for underscores and dashes. */
export const madePlain = (text: string): string => text.toLowerCase().replace(/[_-]/g, ' ')

/** Normalised texts of the catalog, which every key searches. */
const plainTexts = new Map<string, string>()

function plain(text: string): string {
  const known = plainTexts.get(text)
  if (known !== undefined) return known
  const made = madePlain(text)
  plainTexts.set(text, made)
  return made
}

/** Normalises every text, so that the first key needn't. */
export function prepareSearch(packages: ListedPackage[]): void {
  found(packages, { text: '?', kinds: [], licences: [] })
}

/** The score of a word in a name: 4 as the whole, 3 at its start, 2 at the start of a part, 1 anywhere, 0 without a match. */
function fit(word: string, name: string): number {
  const text = plain(name)
  const at = text.indexOf(word)
  if (at < 0) return 0
  if (at === 0) return text.length === word.length ? 4 : 3
  return text.split(/[ /]/).some((part) => part.startsWith(word)) ? 2 : 1
}

/** Packages that match every word, best first. */
export function searchPackages(packages: ListedPackage[], filter: PackageFilter): Hit[] {
  return found(packages, filter).sort((a, b) => b.score - a.score || (a.listed.name < b.listed.name ? -1 : 1))
}

function found(packages: ListedPackage[], filter: PackageFilter): Hit[] {
  const wanted = words(filter.text)
  const support = filter.support ?? []
  return packages
    .filter((listed) => filter.only?.(listed) ?? true)
    .filter((listed) => filter.licences.length === 0 || filter.licences.includes(listed.licence))
    .filter((listed) => support.length === 0 || listed.support?.some((level) => support.includes(level)))
    .filter((listed) => filter.kinds.length === 0 || listed.components.some(({ kind }) => filter.kinds.includes(kind)))
    .flatMap((listed) => (wanted.length === 0 ? plainHit(listed) : (hitOf(listed, wanted, filter.kinds) ?? [])))
}

const plainHits = new WeakMap<ListedPackage, Hit>()

/** The hit of a package without a search: always the same object, so that its card isn't rendered again. */
export function plainHit(listed: ListedPackage): Hit {
  let hit = plainHits.get(listed)
  if (!hit) plainHits.set(listed, (hit = { listed, matched: [], why: undefined, score: 0 }))
  return hit
}

/** The sentence about packages that the platform filter hides. */
export const hiddenWords = (hidden: number, platform: string): string =>
  `${count(hidden, 'package')} can’t be built for ${platform} and ${hidden === 1 ? 'is' : 'are'} hidden.`

/** A choice of a filter. */
export type FilterChoice = ComponentKind | Licence | `support ${SupportLevel}`

/** Number of packages with each choice alone, under the other filters; a choice without any is left out. */
export function countPackages(packages: ListedPackage[], filter: PackageFilter): Partial<Record<FilterChoice, number>> {
  const counts: Partial<Record<FilterChoice, number>> = {}
  const add = (choice: FilterChoice): void => {
    counts[choice] = (counts[choice] ?? 0) + 1
  }
  for (const { listed } of found(packages, { ...filter, licences: [] })) add(listed.licence)
  for (const { listed } of found(packages, { ...filter, support: [] })) listed.support?.forEach((level) => add(`support ${level}`))
  for (const kind of kinds) counts[kind] = found(packages, { ...filter, kinds: [kind] }).length
  return counts
}

function hitOf(listed: ListedPackage, wanted: string[], inKinds: ComponentKind[]): Hit | undefined {
  const offered = inKinds.length === 0 ? listed.components : listed.components.filter(({ kind }) => inKinds.includes(kind))
  const matched = new Set<Component>()
  const reasons = new Set<string>()
  let score = 0
  for (const word of wanted) {
    const byName = fit(word, listed.name) * 10
    let byComponent = 0
    for (const component of offered) {
      const found = fit(word, component.name)
      if (found > 0) matched.add(component)
      byComponent = Math.max(byComponent, found * 8)
    }
    const byKind = offered.find(({ kind }) => plain(kindWords[kind].many).startsWith(word) || plain(kindWords[kind].one) === word)
    const byDescription = plain(listed.description).includes(word)
    const byPath = plain(listed.path).includes(word)
    const best = Math.max(byName, byComponent, byKind ? 3 : 0, byDescription ? 2 : 0, byPath ? 1 : 0)
    if (best === 0) return undefined
    if (byName === 0 && byComponent === 0) {
      if (byKind) reasons.add(`it has ${kindWords[byKind.kind].many}`)
      else reasons.add(byDescription ? `its description says “${word}”` : `its path contains “${word}”`)
    }
    score += best
  }
  return { listed, matched: [...matched], why: reasons.size > 0 ? [...reasons].join(', ') : undefined, score }
}

/** The names closest to a word, as suggestions for a search without a match. */
export function nearest(word: string, names: string[], most = 3): string[] {
  const target = madePlain(word).trim()
  return [...new Set(names)]
    .map((name) => ({ name, distance: editDistance(target, plain(name)) }))
    .filter(({ distance }) => distance <= (target.length < 5 ? 1 : Math.max(2, Math.floor(target.length / 3))))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map(({ name }) => name)
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change))
    }
    row = next
  }
  return row[b.length] ?? 0
}
