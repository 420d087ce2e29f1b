/** Who looks after components, as their module tells. */
import type { SupportLevel } from '@/api/types'

export const supportWords = {
  certified: { short: 'certified support', long: 'Tested and supported by Redpanda.' },
  community: { short: 'community support', long: 'Looked after by the community.' },
  enterprise: { short: 'enterprise support', long: 'Supported by Redpanda for those who have a licence.' },
} satisfies Record<SupportLevel, { short: string; long: string }>

export const supportLevels = Object.keys(supportWords) as SupportLevel[]
