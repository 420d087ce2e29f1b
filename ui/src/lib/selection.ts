/** A selection, its canonical URL query, and the request for its build. */
import type { BuildView, RequestBody } from '@/api/types'

import { acceptable } from './distribution'
import { moduleOf, splitReference } from './packages'

export interface Selection {
  /** Import paths, each with or without `@version`. */
  packages: string[]
  /** `name` or `kind/name`; the server finds the packages. */
  components: string[]
  goos: string
  goarch: string
  /** `undefined`: Go's default for the architecture. */
  variant: string | undefined
  /** `undefined`: the default of the chosen releases. */
  go: string | undefined
  /** Chosen releases by module; a module that isn't named is taken at its newest. */
  modules: Record<string, string>
  base: 'standard' | 'pure'
  /** Own name and version of the distribution as typed: they may break the service's rules. */
  name: string | undefined
  version: string | undefined
}

export type Query = Record<string, string>

/** Addresses leave this folder out of the paths of its packages. */
const HOME = 'github.com/redpanda-data/connect/v4/public/components/'

export const emptySelection = (goos = 'linux', goarch = 'amd64'): Selection => ({
  packages: [],
  components: [],
  goos,
  goarch,
  variant: undefined,
  go: undefined,
  modules: {},
  base: 'standard',
  name: undefined,
  version: undefined,
})

export const isEmpty = ({ packages, components }: Selection): boolean => packages.length + components.length === 0

const sorted = (values: Iterable<string>): string[] => [...new Set(values)].sort()
const shorten = (path: string): string => (path.startsWith(HOME) ? path.slice(HOME.length) : path)
/** The first element of every import path is a host, so it has a dot; that of a short name has none. */
const lengthen = (text: string): string => (splitReference(text).path.split('/')[0]?.includes('.') ? text : HOME + text)

/** Whether a query contains a selection. */
export const speaksOfSelection = (query: Record<string, unknown>): boolean =>
  ['p', 'c', 'platform', 'variant', 'go', 'm', 'base', 'name', 'version'].some((name) => name in query)

/** The query of a selection: always the same for the same selection. */
export function toQuery(selection: Selection): Query {
  const query: Query = {}
  const packages = sorted(selection.packages).map(shorten)
  const components = sorted(selection.components)
  const modules = Object.entries(selection.modules).sort().map(([module, version]) => `${module}@${version}`)
  if (packages.length > 0) query.p = packages.join(',')
  if (components.length > 0) query.c = components.join(',')
  query.platform = `${selection.goos}/${selection.goarch}`
  if (selection.variant) query.variant = selection.variant
  if (selection.go) query.go = selection.go
  if (modules.length > 0) query.m = modules.join(',')
  if (selection.base === 'pure') query.base = 'pure'
  if (selection.name) query.name = selection.name
  if (selection.version) query.version = selection.version
  return query
}

/** The selection of a query; a missing platform is taken from `fallback`. */
export function fromQuery(query: Record<string, unknown>, fallback: Selection): Selection {
  const text = (name: string): string | undefined => {
    const value = query[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const list = (name: string): string[] => sorted((text(name) ?? '').split(',').map((item) => item.trim()).filter(Boolean))
  const [goos, goarch] = (text('platform') ?? '').split('/')
  return {
    packages: sorted(list('p').map(lengthen)),
    components: list('c'),
    goos: goos && goarch ? goos : fallback.goos,
    goarch: goos && goarch ? goarch : fallback.goarch,
    variant: text('variant'),
    go: text('go'),
    modules: Object.fromEntries(
      list('m').flatMap((item) => {
        const { path, version } = splitReference(item)
        return version ? [[path, version]] : []
      }),
    ),
    base: text('base') === 'pure' ? 'pure' : 'standard',
    name: text('name'),
    version: text('version'),
  }
}

/** The body of a request, without what the server refuses: releases of modules that have no pick, and names and versions that break its rules. */
export function toRequest(selection: Selection): RequestBody {
  const used = new Set(
    selection.packages.flatMap((reference) => {
      const { path, version } = splitReference(reference)
      return version ? [] : (moduleOf(path, Object.keys(selection.modules)) ?? [])
    }),
  )
  const modules = Object.entries(selection.modules)
    .filter(([module]) => used.has(module) || selection.components.length > 0)
    .sort()
  return {
    goos: selection.goos,
    goarch: selection.goarch,
    ...(selection.variant && { variant: selection.variant }),
    ...(selection.go && { goVersion: selection.go }),
    ...(selection.packages.length > 0 && { packages: sorted(selection.packages) }),
    ...(selection.components.length > 0 && { components: sorted(selection.components) }),
    ...(modules.length > 0 && { modules: Object.fromEntries(modules) }),
    ...(selection.base === 'pure' && { base: 'pure' as const }),
    ...acceptable(selection),
  }
}

/** The selection of a build, with its exact versions. */
export function ofBuild(build: BuildView): Selection {
  const picked = build.packages.filter(({ base }) => !base)
  const shown = picked.length > 0 ? picked : build.packages
  const used = new Set(shown.map(({ module }) => module))
  const hasIo = build.packages.some(({ base, url }) => base && url.endsWith('/io'))
  return {
    packages: sorted(shown.map(({ url }) => url)),
    components: [],
    goos: build.goos,
    goarch: build.goarch,
    variant: build.variant === 'none' ? undefined : build.variant,
    go: build.goversion,
    modules: Object.fromEntries(Object.entries(build.modules).filter(([module]) => used.has(module))),
    base: picked.length > 0 && !hasIo && build.packages.some(({ base }) => base) ? 'pure' : 'standard',
    name: build.name,
    version: build.version,
  }
}

/** The request that gives a build again, or the same for another platform: by the rules of its own template, even if there is a newer one. */
export const repeatOf = (build: BuildView, changes: Partial<Selection> = {}): RequestBody => ({
  ...toRequest({ ...ofBuild(build), ...changes }),
  template: build.template,
})

/** The selection without one package. */
export const without = (selection: Selection, path: string): Selection => ({
  ...selection,
  packages: selection.packages.filter((reference) => splitReference(reference).path !== path),
})
