/** The query language of the list of builds, as far as the page writes it. */
import type { FacetField } from '@/api/types'

export type Facet = { field: FacetField; value: string }

export const facetFields = ['status', 'goos', 'goarch', 'go', 'module', 'package', 'builder'] as const satisfies FacetField[]

const plainValue = /^[\w.]+$/

/** `field:value`, in quotes where the value has more than letters, digits, dots and underscores. */
export const term = ({ field, value }: Facet): string =>
  plainValue.test(value) ? `${field}:${value}` : `${field}:"${value.replace(/["\\]/g, '\\$&')}"`

/** The typed text and the ticked facets as one query. */
export const joinQuery = (text: string, facets: Facet[]): string => [text.trim(), ...facets.map(term)].filter(Boolean).join(' ')

/** Facets as written in the address: `field:value`, one each. */
export const encodeFacets = (facets: Facet[]): string[] => facets.map(({ field, value }) => `${field}:${value}`).sort()

export function decodeFacets(values: string[]): Facet[] {
  return values.flatMap((text) => {
    const at = text.indexOf(':')
    const field = text.slice(0, at) as FacetField
    return at > 0 && facetFields.includes(field) && text.length > at + 1 ? [{ field, value: text.slice(at + 1) }] : []
  })
}
