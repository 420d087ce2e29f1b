/** The tiles of a size map: an area for each module, as large as its code. */
import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy'

import type { Contents } from '@/api/types'

export interface Tile {
  name: string
  version: string | undefined
  /** Bytes. */
  size: number
  /** Of the whole binary, from 0 to 1. */
  share: number
  kind: 'module' | 'others' | 'rest'
  x: number
  y: number
  width: number
  height: number
  /** The longest label that fits. */
  label: string
}

/** Modules with a smaller share of the binary are too small to see, and share a tile. */
const SMALLEST = 0.004
/** The approximate size of a letter. */
const LETTER = { width: 7.2, height: 16 }
const PADDING = 6

interface Leaf {
  name: string
  version?: string
  size: number
  kind: Tile['kind']
}

/** Lays the binary out in a rectangle. */
export function tiles(contents: Contents, width: number, height: number): Tile[] {
  const seen = contents.modules.filter(({ code }) => code >= contents.size * SMALLEST)
  const small = contents.modules.filter(({ code }) => code > 0 && code < contents.size * SMALLEST)
  const others = small.reduce((sum, { code }) => sum + code, 0)
  const leaves: Leaf[] = [
    ...seen.map(({ module, version, code }): Leaf => ({ name: module, ...(version && { version }), size: code, kind: 'module' })),
    ...(others > 0 ? [{ name: `${small.length} smaller modules`, size: others, kind: 'others' } satisfies Leaf] : []),
    { name: 'tables, types and texts', size: contents.rest, kind: 'rest' },
  ]
  const root = hierarchy<{ children?: Leaf[]; size?: number }>({ children: leaves })
    .sum(({ size = 0 }) => size)
    .sort((a, b) => (b.value ?? 0) - (a.value ?? 0))
  const laid = treemap<{ children?: Leaf[]; size?: number }>().size([width, height]).tile(treemapSquarify).paddingInner(2).round(true)(root)
  return laid.leaves().map((node) => {
    const leaf = node.data as Leaf
    const size = { width: node.x1 - node.x0, height: node.y1 - node.y0 }
    return {
      ...leaf,
      version: leaf.version,
      share: leaf.size / contents.size,
      x: node.x0,
      y: node.y0,
      ...size,
      label: labelFor(leaf.name, size),
    }
  })
}

/** The path, its last elements, or nothing. */
function labelFor(name: string, { width, height }: { width: number; height: number }): string {
  if (height < LETTER.height + PADDING) return ''
  const letters = Math.floor((width - 2 * PADDING) / LETTER.width)
  const elements = name.split('/')
  // A major version alone is no name.
  const least = /^v\d+$/.test(elements.at(-1) ?? '') ? 2 : 1
  for (let from = 0; from <= elements.length - least; from += 1) {
    const text = elements.slice(from).join('/')
    if (text.length <= letters) return text
  }
  return ''
}
