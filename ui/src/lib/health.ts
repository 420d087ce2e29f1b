/** The health banner of the fleet page. */
import type { HealthReport } from '@/api/types'

export interface HealthBanner {
  title: string
  /** The service refuses requests because of it. */
  isSevere: boolean
  /** Consequences, and remedies for an operator. */
  sentences: string[]
}

/** `undefined` while all is well. */
export function bannerOf({ problems, notes, nats, stores }: HealthReport): HealthBanner | undefined {
  const sentences = [...problems, ...notes]
  if (sentences.length === 0) return undefined
  return { title: title(), isSevere: problems.length > 0, sentences }

  function title(): string {
    if (!nats.connected) return 'The connection to NATS is down'
    if (nats.acknowledges === false) return 'Nothing new is stored'
    const full = stores.filter((store) => (problems.length > 0 ? store.refusesBuilds : store.full)).map(({ name }) => name)
    if (full.length > 0) return `${full.length > 1 ? 'Stores are' : 'A store is'} full: ${full.join(', ')}`
    return problems.length > 0 ? 'Some requests fail right now' : 'An operator is needed'
  }
}
