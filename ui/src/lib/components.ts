/** The components of the catalog, by kind and name. */
import type { ComponentKind, PackageHit } from '@/api/types'

import { kinds as allKinds } from './kinds'
import { madePlain, words } from './search'

export interface ListedComponent {
  name: string
  /** Import paths of the packages that provide it. */
  packages: string[]
  /** The text to search: its name, and the ends of those paths. */
  searched: string
}

export interface ComponentGroup {
  kind: ComponentKind
  components: ListedComponent[]
}

/** All components, by kind and name. */
export function listComponents(packages: PackageHit[]): ComponentGroup[] {
  const byKind = new Map<ComponentKind, Map<string, string[]>>(allKinds.map((kind) => [kind, new Map()]))
  for (const { path, components } of packages) {
    for (const { kind, name } of components) {
      const named = byKind.get(kind)
      named?.set(name, [...(named.get(name) ?? []), path])
    }
  }
  return [...byKind]
    .map(([kind, named]) => ({
      kind,
      components: [...named]
        .map(([name, paths]) => ({
          name,
          packages: paths.sort(),
          searched: madePlain([name, ...paths.map((path) => path.split('/').slice(-2).join(' '))].join(' ')),
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    }))
    .filter(({ components }) => components.length > 0)
}

/** Components that match every word, and one of the kinds if any are given. */
export function searchComponents(groups: ComponentGroup[], text: string, kinds: ComponentKind[]): Set<ListedComponent> {
  const wanted = words(text)
  return new Set(
    groups
      .filter(({ kind }) => kinds.length === 0 || kinds.includes(kind))
      .flatMap(({ components }) => components.filter(({ searched }) => wanted.every((word) => searched.includes(word)))),
  )
}
