/** The calls of an OpenAPI document, prepared for the API page. */
import { quote } from './commands'

export interface SchemaObject {
  $ref?: string
  title?: string
  description?: string
  type?: string | string[]
  format?: string
  pattern?: string
  enum?: unknown[]
  const?: unknown
  default?: unknown
  example?: unknown
  examples?: unknown[]
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  deprecated?: boolean
  required?: string[]
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  additionalProperties?: Schema
  items?: Schema
  oneOf?: Schema[]
  anyOf?: Schema[]
  allOf?: Schema[]
}
/** `true` stands for any value. */
export type Schema = SchemaObject | boolean

export interface CallParameter {
  name: string
  in: 'path' | 'query' | 'header' | 'cookie'
  required?: boolean
  description?: string
  schema?: Schema
  example?: unknown
  examples?: Record<string, { value?: unknown }>
}

export interface Media {
  schema?: Schema
  example?: unknown
  examples?: Record<string, { summary?: string; value?: unknown }>
}
export type Content = Record<string, Media>

export interface Answer {
  description?: string
  content?: Content
}

export interface Operation {
  operationId?: string
  summary?: string
  description?: string
  tags?: string[]
  deprecated?: boolean
  parameters?: CallParameter[]
  requestBody?: { description?: string; required?: boolean; content: Content }
  responses: Record<string, Answer>
  security?: Record<string, string[]>[]
}

export interface OpenapiDocument {
  info: { title: string; version: string; description?: string }
  tags?: { name: string; description?: string }[]
  paths: Record<string, Partial<Record<Method, Operation>> & { parameters?: CallParameter[] }>
  security?: Record<string, string[]>[]
  components?: { schemas?: Record<string, Schema> }
}

export const methods = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const
export type Method = (typeof methods)[number]

export interface Call extends Operation {
  /** Its anchor on the page. */
  slug: string
  method: Method
  path: string
  parameters: CallParameter[]
  needsToken: boolean
}

export interface CallGroup {
  name: string
  description: string | undefined
  calls: Call[]
}

/** Typed values by the name of the parameter. */
export type Values = Record<string, string>

/** All calls: by path, and in the usual order of methods. */
export function callsOf(document: OpenapiDocument): Call[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method]
      if (!operation) return []
      const slug = operation.operationId ?? [method, ...path.split(/[^\w.]+/)].filter(Boolean).join('-')
      const security = operation.security ?? document.security ?? []
      // An empty requirement among them means that the call works without a token as well.
      const needsToken = security.length > 0 && security.every((needed) => Object.keys(needed).length > 0)
      return [{ ...operation, slug, method, path, needsToken, parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])] }]
    }),
  )
}

/** Calls by tag, in the order of the document; a call without a tag is grouped by the first part of its path. */
export function groupCalls(document: OpenapiDocument, calls: Call[]): CallGroup[] {
  const groups = new Map<string, CallGroup>((document.tags ?? []).map(({ name, description }) => [name, { name, description, calls: [] }]))
  for (const call of calls) {
    const name = call.tags?.[0] ?? call.path.split('/')[1] ?? ''
    const group = groups.get(name) ?? { name, description: undefined, calls: [] }
    group.calls.push(call)
    groups.set(name, group)
  }
  return [...groups.values()].filter((group) => group.calls.length > 0)
}

/** Calls that match every word: in their method, path, name, description or parameters. */
export function findCalls(calls: Call[], text: string): Call[] {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean)
  return calls.filter(({ method, path, slug, summary = '', description = '', parameters }) => {
    const searched = [method, path, slug, summary, description, ...parameters.map(({ name }) => name)].join(' ').toLowerCase()
    return wanted.every((word) => searched.includes(word))
  })
}

const first = (examples: Record<string, { value?: unknown }> | undefined): unknown => Object.values(examples ?? {})[0]?.value

/** A value that a parameter may have, if the document names one. */
export function exampleOf({ example, examples, schema }: CallParameter): string | undefined {
  const of = typeof schema === 'object' ? schema : {}
  const value = example ?? first(examples) ?? of.example ?? of.examples?.[0] ?? of.default ?? of.enum?.find((option) => option !== '' && option !== null)
  return value === undefined ? undefined : String(value)
}

/** An example as a body: text unchanged, other values as JSON. */
export const bodyText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

export const examplesOf = ({ example, examples }: Media): unknown[] => [
  ...(example === undefined ? [] : [example]),
  ...Object.values(examples ?? {}).flatMap(({ value }) => (value === undefined ? [] : [value])),
]

/** The address of a call with the typed values; `left` fills missing parts of the path. */
function addressOf({ path, parameters }: Call, values: Values, left: (parameter: CallParameter) => string): string {
  let address = path
  const query = new URLSearchParams()
  for (const parameter of parameters) {
    const value = values[parameter.name] ?? ''
    if (parameter.in === 'path') address = address.replace(`{${parameter.name}}`, value === '' ? left(parameter) : encodeURIComponent(value))
    else if (parameter.in === 'query' && value !== '') query.append(parameter.name, value)
  }
  return query.size > 0 ? `${address}?${query}` : address
}

/** The typed values, with examples for missing required ones. */
export function withExamples({ parameters }: Call, values: Values): Values {
  const needed = parameters.filter(({ name, required }) => required && !values[name])
  return { ...values, ...Object.fromEntries(needed.flatMap((parameter) => {
    const example = exampleOf(parameter)
    return example === undefined ? [] : [[parameter.name, example]]
  })) }
}

/** Pages for browsers aren't what a tool gets. */
const isPage = ({ content }: Answer): boolean => Object.keys(content ?? {}).join() === 'text/html'
const successes = ({ responses }: Call): Answer[] => Object.entries(responses).flatMap(([status, answer]) => (status.startsWith('2') && !isPage(answer) ? [answer] : []))
const mediaTypes = (call: Call): string[] => successes(call).flatMap(({ content }) => Object.keys(content ?? {}))
const isText = (type: string): boolean => /[/+]json$|^text\/(?!event-stream)/.test(type)

/** A curl command for this call. */
export function curlOf(origin: string, call: Call, values: Values = {}): string {
  const given = withExamples(call, values)
  const words = ['curl', '-sS']
  const types = mediaTypes(call)
  if (types.includes('text/event-stream')) words.push('-N')
  if (successes(call).length === 0) words.push('-L')
  if (call.method === 'get' && (types.includes('application/octet-stream') || successes(call).length === 0)) words.push('-o', 'wombat')
  const [type, media] = Object.entries(call.requestBody?.content ?? {})[0] ?? []
  if (call.method === 'head') words.push('-I')
  else if (call.method !== 'get' && !(call.method === 'post' && type)) words.push('-X', call.method.toUpperCase())
  if (call.needsToken) words.push('-H', quote('Authorization: Bearer <token>'))
  for (const { name, in: place } of call.parameters) {
    if (place === 'header' && given[name]) words.push('-H', quote(`${name}: ${given[name]}`))
  }
  if (type && media) {
    const example = examplesOf(media)[0]
    words.push('-H', quote(`Content-Type: ${type}`), '--data-binary', quote(example === undefined ? '<body>' : bodyText(example)))
  }
  words.push(quote(origin + addressOf(call, given, ({ name }) => `<${name}>`)))
  return words.join(' ')
}

/** Whether a call can be tried from the page: it changes nothing, needs no token, and answers with a finite text. */
export const isTryable = (call: Call): boolean => call.method === 'get' && !call.needsToken && mediaTypes(call).some(isText) && mediaTypes(call).every(isText)

/** The address to try; `undefined` while a required value is missing. */
export function tryAddress(call: Call, values: Values): string | undefined {
  const lacks = call.parameters.some(({ name, required, in: place }) => (required || place === 'path') && !values[name])
  return lacks ? undefined : addressOf(call, values, () => '')
}

/** A body for display: JSON is indented, other text unchanged. */
export function prettyBody(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

/** Splits a text at its backticks, which enclose code. */
export const codeParts = (text: string): { text: string; isCode: boolean }[] =>
  text.split('`').map((part, index) => ({ text: part, isCode: index % 2 === 1 })).filter((part) => part.text !== '')
