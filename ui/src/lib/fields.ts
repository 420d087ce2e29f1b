/** Fields of a configuration as a flat list, with their types in words. */
import type { ConfigField } from '@/api/types'

import { isKind, kindWords } from './kinds'

export interface FieldRow {
  /** From the component down, such as `tls.enabled`. */
  path: string
  depth: number
  what: string
  needed: boolean
  advanced: boolean
  deprecated: boolean
  /** As it is written in YAML. */
  default: string | undefined
  options: string[]
  description: string | undefined
}

const words: Record<string, string> = { bool: 'true or false', int: 'whole number', float: 'number', object: 'fields', unknown: 'any value' }
const kinds: Record<string, string> = { metrics: 'metric' }

/** The type of a field in words. */
export function whatOf({ type, shape, bloblang, interpolated, secret }: ConfigField): string {
  const kind = kinds[type] ?? type
  const one = bloblang ? 'mapping' : isKind(kind) ? kindWords[kind].one : (words[type] ?? (secret ? 'secret' : 'text'))
  const text = interpolated && one === 'text' ? 'text with mappings' : one
  if (shape === 'array') return `list: ${text}`
  if (shape === '2darray') return `list of lists: ${text}`
  if (shape === 'map') return `names with values: ${text}`
  return text
}

const written = (value: unknown): string | undefined =>
  value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length > 0) ? undefined : JSON.stringify(value)

/** All nested fields, each after its parent. */
export function rowsOf(config: ConfigField | undefined, above = '', depth = 0): FieldRow[] {
  return (config?.children ?? []).flatMap((field) => {
    const path = above === '' ? (field.name ?? '') : `${above}.${field.name ?? ''}`
    const row: FieldRow = {
      path,
      depth,
      what: whatOf(field),
      needed: field.optional !== true && (field.children ?? []).length === 0,
      advanced: field.advanced === true,
      deprecated: field.deprecated === true,
      default: written(field.default),
      options: field.options ?? [],
      description: field.description,
    }
    const below = rowsOf(field, path, depth + 1)
    return [row, ...(row.advanced ? below.map((inner) => ({ ...inner, advanced: true })) : below)]
  })
}
