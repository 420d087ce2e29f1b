/** What the fleet page says of the service's health. */
import type { HealthReport } from '@/api/types'

export interface HealthBanner {
  title: string
  /** Something is refused because of it. */
  isSevere: boolean
  /** What follows, and what an operator does. */
  sentences: string[]
}

/** Nothing while all is well. */
export function bannerOf({ problems, notes, nats, stores }: HealthReport): HealthBanner | undefined {
  const sentences = [...problems, ...notes]
  if (sentences.length === 0) return undefined
  return { title: title(), isSevere: problems.length > 0, sentences }

  function title(): string {
    if (!nats.connected) return 'The connection to NATS is down'
    if (nats.acknowledges === false) return 'Nothing new is stored'
    const full = stores.filter((store) => (problems.length > 0 ? store.refusesBuilds : store.full)).map(({ name }) => name)
    if (full.length > 0) return `${full.length > 1 ? 'Stores are' : 'A store is'} full: ${full.join(', ')}`
    return problems.length > 0 ? 'Not everything is answered right now' : 'This wants an operator'
  }
}
