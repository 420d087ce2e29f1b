/** The catalog seen from its components. */
import type { ComponentKind, PackageHit } from '@/api/types'

import { kinds as allKinds } from './kinds'
import { words } from './search'

export interface ListedComponent {
  name: string
  /** Import paths of the packages that bring it. */
  packages: string[]
}

export interface ComponentGroup {
  kind: ComponentKind
  components: ListedComponent[]
}

/** Components whose name, or the path of a package of theirs, holds every word; by kind. */
export function listComponents(packages: PackageHit[], text: string, kinds: ComponentKind[]): ComponentGroup[] {
  const wanted = words(text)
  const plain = (value: string): string => value.toLowerCase().replace(/[_-]/g, ' ')
  return allKinds
    .filter((kind) => kinds.length === 0 || kinds.includes(kind))
    .flatMap((kind) => {
      const found = new Map<string, string[]>()
      for (const { path, components } of packages) {
        for (const component of components) {
          if (component.kind !== kind) continue
          found.set(component.name, [...(found.get(component.name) ?? []), path])
        }
      }
      const components = [...found]
        .map(([name, paths]) => ({ name, packages: paths.sort() }))
        .filter(({ name, packages: paths }) => {
          const searched = plain([name, ...paths.map((path) => path.split('/').slice(-2).join(' '))].join(' '))
          return wanted.every((word) => searched.includes(word))
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1))
      return components.length > 0 ? [{ kind, components }] : []
    })
}
