/** A JSON schema as a tree that is expanded node by node, as schemas may be recursive. */
import type { OpenapiDocument, Schema, SchemaObject } from './openapi'

export interface SchemaNode {
  /** Empty for a schema as a whole. */
  name: string
  required: boolean
  deprecated: boolean
  /** In words: `text`, `list of BuildView`, … */
  type: string
  description: string | undefined
  /** Formats, limits and the like. */
  notes: string[]
  /** The allowed values, if they are listed. */
  values: { value: string; description: string | undefined }[]
  /** Recursive: one of its ancestors is the same schema. */
  isRepeated: boolean
  children: SchemaNode[]
}

const REF = '#/components/schemas/'

interface Resolved {
  schema: SchemaObject
  /** The name of the last reference, if there was one. */
  ref: string | undefined
}

/** Follows references, `anyOf` with one choice, and choices of which one is null. Keywords beside a reference override its target. */
export function resolveSchema(document: OpenapiDocument, from: Schema): Resolved {
  let schema: SchemaObject = typeof from === 'object' ? from : {}
  let ref: string | undefined
  const seen = new Set<string>()
  for (;;) {
    const { $ref, ...beside } = schema
    if ($ref !== undefined) {
      const name = $ref.startsWith(REF) ? $ref.slice(REF.length) : undefined
      const target = name === undefined ? undefined : document.components?.schemas?.[name]
      // A reference to nothing, or to itself.
      if (name === undefined || target === undefined || seen.has(name)) return { schema: beside, ref: name ?? $ref }
      seen.add(name)
      ref = name
      schema = { ...(typeof target === 'object' ? target : {}), ...beside }
      continue
    }
    const { anyOf, oneOf, allOf, ...rest } = schema
    const choices = [...(anyOf ?? []), ...(oneOf ?? []), ...(allOf ?? [])]
    const real = choices.filter((choice) => typeof choice !== 'object' || choice.type !== 'null')
    const [only] = real
    if (real.length !== 1 || only === undefined || rest.properties) return { schema, ref }
    const inner: SchemaObject = typeof only === 'object' ? only : {}
    schema = { ...inner, ...rest }
  }
}

const words: Record<string, string> = { string: 'text', integer: 'whole number', boolean: 'true or false', object: 'object', null: 'null' }
const choicesOf = ({ oneOf, anyOf, allOf }: SchemaObject): Schema[] => [...(oneOf ?? []), ...(anyOf ?? []), ...(allOf ?? [])]

/** The type of a schema in one or two words. */
function typeOf(document: OpenapiDocument, { schema, ref }: Resolved): string {
  const types = [schema.type ?? []].flat()
  const named = types.filter((type) => type !== 'null').map((type) => {
    if (type === 'array') return `list of ${schema.items === undefined ? 'any value' : typeOf(document, resolveSchema(document, schema.items))}`
    return words[type] ?? type
  })
  const nullable = types.includes('null') ? ' or null' : ''
  const shape = named.length > 0 ? named.join(' or ') : undefined
  if (ref) return (shape?.startsWith('list of ') ? `${ref}: ${shape}` : ref) + nullable
  if (shape) return shape + nullable
  if (schema.properties) return 'object'
  if (schema.enum || schema.const !== undefined || valuesOf(document, schema).length > 0) return 'text'
  return choicesOf(schema).length > 0 ? 'one of these' : 'any value'
}

const written = (value: unknown): string => (typeof value === 'string' && value !== '' ? value : JSON.stringify(value))

function valuesOf(document: OpenapiDocument, schema: SchemaObject): SchemaNode['values'] {
  if (schema.const !== undefined) return [{ value: written(schema.const), description: undefined }]
  if (schema.enum) return schema.enum.map((value) => ({ value: written(value), description: undefined }))
  const choices = choicesOf(schema).map((choice) => resolveSchema(document, choice).schema)
  if (choices.length === 0 || choices.some((choice) => choice.const === undefined && !choice.enum)) return []
  return choices.flatMap((choice) =>
    valuesOf(document, choice).map(({ value }) => ({
      value,
      // A description that only repeats the value is dropped.
      description: choice.description === `\`${value}\`` ? undefined : choice.description,
    })),
  )
}

function notesOf(schema: SchemaObject, required: boolean): string[] {
  const { format, pattern, minimum, maximum, minLength, maxLength, examples, example } = schema
  const between = (low: number | undefined, high: number | undefined, unit: string): string[] => {
    if (low !== undefined && high !== undefined) return [`${low} to ${high}${unit}`]
    if (low !== undefined && low !== 0) return [`at least ${low}${unit}`]
    return high === undefined ? [] : [`at most ${high}${unit}`]
  }
  const shown = example ?? examples?.[0]
  return [
    ...(format ? [format] : []),
    ...between(minimum, maximum, ''),
    ...between(minLength, maxLength, ' characters'),
    ...(pattern ? [`matches ${pattern}`] : []),
    ...(!required && 'default' in schema ? [`${written(schema.default)} if left out`] : []),
    ...(shown === undefined ? [] : [`such as ${written(shown)}`]),
  ]
}

/** The name of a choice, preferably by its property with a constant value. */
function choiceName(document: OpenapiDocument, { schema, ref }: Resolved, place: number): string {
  const mark = Object.entries(schema.properties ?? {}).find(([, property]) => resolveSchema(document, property).schema.const !== undefined)
  if (mark) return `${mark[0]}: ${written(resolveSchema(document, mark[1]).schema.const)}`
  return schema.title ?? ref ?? `choice ${place + 1}`
}

export function schemaTree(document: OpenapiDocument, from: Schema, name = '', required = false, above: string[] = []): SchemaNode {
  const resolved = resolveSchema(document, from)
  const { schema, ref } = resolved
  const isRepeated = ref !== undefined && above.includes(ref)
  const within = ref === undefined ? above : [...above, ref]
  let children: SchemaNode[] | undefined
  return {
    name,
    required,
    deprecated: schema.deprecated ?? false,
    type: typeOf(document, resolved),
    description: schema.description,
    notes: notesOf(schema, required),
    values: valuesOf(document, schema),
    isRepeated,
    // Created when it is expanded: a whole tree has thousands of nodes.
    get children() {
      return (children ??= isRepeated ? [] : childrenOf(document, schema, within))
    },
  }
}

function childrenOf(document: OpenapiDocument, schema: SchemaObject, above: string[]): SchemaNode[] {
  const needed = schema.required ?? []
  const node = (from: Schema, name: string): SchemaNode => schemaTree(document, from, name, needed.includes(name), above)
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => node(property, name))
  const others = [
    ...Object.values(schema.patternProperties ?? {}),
    ...(typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []),
  ].map((value) => node(value, 'any name'))
  const choices =
    valuesOf(document, schema).length > 0
      ? []
      : choicesOf(schema).map((choice, place) => node(choice, choiceName(document, resolveSchema(document, choice), place)))
  return [
    ...properties.filter(({ required }) => required),
    ...properties.filter(({ required }) => !required),
    ...others,
    ...choices,
    ...(schema.items === undefined ? [] : itemChildren(document, schema.items, above)),
  ]
}

/** Items of a list form no level of their own: their fields are the children of the list. */
function itemChildren(document: OpenapiDocument, items: Schema, above: string[]): SchemaNode[] {
  const item = schemaTree(document, items, 'each', false, above)
  if (item.isRepeated || item.values.length > 0) return [item]
  return item.children
}
