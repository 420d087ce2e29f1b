import type { Licence } from '@/api/types'

interface LicenceWords {
  short: string
  long: string
}

export const licenceWords = {
  apache: { short: 'Apache-2.0', long: 'No compiled file is under the Redpanda Community Licence.' },
  community: { short: 'Community', long: 'In upstream’s community bundle, yet some compiled files are under the Redpanda Community Licence.' },
  rcl: { short: 'RCL', long: 'Under the Redpanda Community Licence; built only where the operator has accepted it.' },
} satisfies Record<Licence, LicenceWords>

export const licences = Object.keys(licenceWords) as Licence[]

/** A selection's licence in a sentence. */
export const licenceSum = {
  apache: 'Apache-2.0 only',
  community: 'Community: some compiled files are under the Redpanda Community Licence',
  rcl: 'Needs the Redpanda Community Licence',
} satisfies Record<Licence, string>
