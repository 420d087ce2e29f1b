import type { Component, ComponentKind } from '@/api/types'

interface KindWords {
  one: string
  many: string
}

/** Every kind in the order in which kinds are shown. */
export const kindWords = {
  input: { one: 'input', many: 'inputs' },
  output: { one: 'output', many: 'outputs' },
  processor: { one: 'processor', many: 'processors' },
  cache: { one: 'cache', many: 'caches' },
  buffer: { one: 'buffer', many: 'buffers' },
  rate_limit: { one: 'rate limit', many: 'rate limits' },
  metric: { one: 'metrics exporter', many: 'metrics' },
  tracer: { one: 'tracer', many: 'tracers' },
  scanner: { one: 'scanner', many: 'scanners' },
  bloblang_function: { one: 'Bloblang function', many: 'Bloblang functions' },
  bloblang_method: { one: 'Bloblang method', many: 'Bloblang methods' },
  driver: { one: 'SQL driver', many: 'SQL drivers' },
} satisfies Record<ComponentKind, KindWords>

export const kinds = Object.keys(kindWords) as ComponentKind[]

export const isKind = (text: string): text is ComponentKind => Object.hasOwn(kindWords, text)

export interface KindGroup {
  kind: ComponentKind
  names: string[]
}

/** Components by kind, kinds in their order, names sorted. */
export function groupByKind(components: Component[]): KindGroup[] {
  return kinds.flatMap((kind) => {
    const names = components.filter((component) => component.kind === kind).map((component) => component.name)
    return names.length > 0 ? [{ kind, names: names.sort() }] : []
  })
}
