/** Names of packages, and whether they can go into a binary. */
import type { CatalogAnswer, PackageHit } from '@/api/types'

const FOLDER = '/public/components/'

/** The path below the folder of components, or all of it. */
export function shortName(path: string): string {
  const at = path.indexOf(FOLDER)
  return at < 0 ? path : path.slice(at + FOLDER.length)
}

/** Splits `path@version`. */
export function splitReference(reference: string): { path: string; version?: string } {
  const at = reference.indexOf('@')
  return at < 0 ? { path: reference } : { path: reference.slice(0, at), version: reference.slice(at + 1) }
}

/** The module of a path: the longest of these modules that is a prefix of it. */
export function moduleOf(path: string, modules: Iterable<string>): string | undefined {
  let found: string | undefined
  for (const module of modules) {
    if ((path === module || path.startsWith(`${module}/`)) && module.length > (found?.length ?? -1)) found = module
  }
  return found
}

/** A package of the catalog as the page lists it. */
export interface ListedPackage extends PackageHit {
  /** The short name; the whole path where two packages share it. */
  name: string
  /** In the newest release, but not in the chosen one. */
  isLacking: boolean
}

/** Packages with their display names; chosen releases replace the newest ones. */
export function listPackages(newest: CatalogAnswer, chosen: CatalogAnswer[]): ListedPackage[] {
  const replaced = new Map(chosen.flatMap((answer) => answer.packages.slice(0, 1).map((hit) => [hit.module, answer])))
  const hits = newest.packages.filter((hit) => !replaced.has(hit.module)).map((hit) => ({ hit, isLacking: false }))
  for (const [module, answer] of replaced) {
    const there = new Set(answer.packages.map((hit) => hit.path))
    hits.push(...answer.packages.map((hit) => ({ hit, isLacking: false })))
    hits.push(
      ...newest.packages
        .filter((hit) => hit.module === module && !there.has(hit.path))
        .map((hit) => ({ hit, isLacking: true })),
    )
  }
  const main = mainModule(newest)
  const taken = new Map<string, string>()
  for (const { hit } of hits) {
    const name = shortName(hit.path)
    if (!taken.has(name) || hit.module === main) taken.set(name, hit.path)
  }
  return hits
    .map(({ hit, isLacking }) => {
      const name = shortName(hit.path)
      return { ...hit, name: taken.get(name) === hit.path ? name : hit.path, isLacking }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The module with the most packages, whose packages have short names. */
export function mainModule(catalog: CatalogAnswer): string | undefined {
  const counts = new Map<string, number>()
  for (const hit of catalog.packages) counts.set(hit.module, (counts.get(hit.module) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0]
}

/** Why a package can't be picked for this platform; `undefined`: it can. */
export function whyUnavailable(listed: ListedPackage, platform: string, release: string | undefined): string | undefined {
  if (listed.isLacking) return `Not in release ${release ?? listed.version}.`
  if (listed.cgo) return 'Needs cgo; binaries are built without it.'
  if (listed.licence === 'rcl') return 'Under the Redpanda Community Licence, which is off here.'
  switch (listed.platforms[platform]) {
    case 'empty':
      return `Compiles to nothing on ${platform}.`
    case 'fails':
      return `Doesn't compile on ${platform}.`
    case 'compiles':
    case undefined:
      return undefined
  }
}

const LONG = 40

/** The last element of a long path; the start of a long element. */
export function brief(name: string): string {
  if (name.length <= LONG) return name
  const last = name.slice(name.lastIndexOf('/') + 1)
  return last.length <= LONG ? `…/${last}` : `…/${last.slice(0, LONG)}…`
}

/** The title of a binary: its first packages, without the base. */
export function titleOf(packages: { url: string; base?: boolean }[]): string {
  const picked = packages.filter(({ base }) => !base)
  const names = (picked.length > 0 ? picked : packages).map(({ url }) => brief(shortName(url)))
  const shown = names.slice(0, 4).join(', ')
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown
}

/** Whether a version comes after another. */
export function isNewer(version: string, other: string): boolean {
  const numbers = (text: string): number[] => text.replace(/^v/, '').split(/[-+]/)[0]!.split('.').map(Number)
  const [left, right] = [numbers(version), numbers(other)]
  const at = left.findIndex((part, place) => part !== right[place])
  if (at >= 0) return left[at]! > (right[at] ?? 0)
  // A pre-release comes before its release.
  return other.includes('-') && !version.includes('-')
}
