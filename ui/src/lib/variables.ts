/** Variables of a pasted pipeline, their typed values, and the warnings about them. */
import type { PipelineMistake, PipelineVariable } from '@/api/types'

/** Typed values by name: a map, because `__proto__` is a name as well. */
export type VariableValues = ReadonlyMap<string, string>

/** As the service finds them: `${NAME}`, `${NAME:default}`, `${NAME|base64decode}`. */
const USE = /\$\{([0-9A-Za-z_.]+)(?=[:|}])/g
/** Longest value, in bytes. */
const MOST_BYTES = 16 * 1024
const bytes = new TextEncoder()

export const whyNotValue = (value: string): string | undefined =>
  bytes.encode(value).length > MOST_BYTES ? 'A value has at most 16 KiB, so this one isn’t sent.' : undefined

/** The values to send: those of variables that the text names. `undefined` if there are none. An empty one is none. */
export function valuesFor(text: string, values: VariableValues): Record<string, string> | undefined {
  const named = new Set([...text.matchAll(USE)].map(([, name = '']) => name))
  const sent = [...values].filter(([name, value]) => named.has(name) && value !== '' && !whyNotValue(value)).sort()
  return sent.length > 0 ? Object.fromEntries(sent) : undefined
}

/** A variable as the page lists it. */
export interface VariableRow extends PipelineVariable {
  /** It decides, and has no value. */
  isOpen: boolean
  /** The warnings that ask for its value. */
  words: PipelineMistake[]
}

const speaksOf = ({ line, column, message }: PipelineMistake, { name, places }: PipelineVariable): boolean =>
  places.some((place) => place.line === line && place.column === column) ||
  (message.startsWith(`\`\${${name}`) && /^[:|}]/.test(message.slice(name.length + 3)))

/** The variables, open ones first, else in the order of the server. Names in `kept` keep that order, before all others. */
export function variableRows(variables: PipelineVariable[], warnings: PipelineMistake[], kept: string[] = []): VariableRow[] {
  const rows = variables.map((variable): VariableRow => {
    const isUnset = variable.decides && !variable.given
    const words = isUnset ? warnings.filter((warning) => speaksOf(warning, variable)) : []
    return { ...variable, isOpen: isUnset && (words.length > 0 || variable.default === undefined), words }
  })
  const rank = ({ name, isOpen }: VariableRow): number => {
    const place = kept.indexOf(name)
    if (place >= 0) return place
    return isOpen ? kept.length : kept.length + 1
  }
  return rows.sort((a, b) => rank(a) - rank(b))
}

/** The warnings that no row contains. */
export function otherWarnings(warnings: PipelineMistake[], rows: VariableRow[]): PipelineMistake[] {
  const shown = new Set(rows.flatMap(({ words }) => words))
  return warnings.filter((warning) => !shown.has(warning))
}
