/** Assigns each problem of a request to the part of the page where it can be fixed. */
import type { Problem, RequestBody } from '@/api/types'

import { splitReference } from './packages'

export interface SortedProblems {
  /** By import path. */
  packages: Record<string, string[]>
  /** By component, as in the request. */
  components: Record<string, string[]>
  /** About platform, variant, Go, releases or base. */
  target: string[]
  /** About the own name, and the own version. */
  name: string[]
  version: string[]
  other: string[]
}

const TARGET = /^(goos|goarch|variant|goVersion|base|modules)\b/

export function sortProblems(problems: Problem[], request: RequestBody): SortedProblems {
  const sorted: SortedProblems = { packages: {}, components: {}, target: [], name: [], version: [], other: [] }
  for (const { field = '', message } of problems) {
    const [, list, index] = /^(packages|components)\[(\d+)\]$/.exec(field) ?? []
    const named = list === 'packages' || list === 'components' ? request[list]?.[Number(index)] : undefined
    if (named !== undefined && list === 'packages') (sorted.packages[splitReference(named).path] ??= []).push(message)
    else if (named !== undefined) (sorted.components[named] ??= []).push(message)
    else if (field === 'name' || field === 'version') sorted[field].push(message)
    else if (TARGET.test(field)) sorted.target.push(message)
    else sorted.other.push(message)
  }
  return sorted
}
