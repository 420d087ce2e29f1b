/** Support levels of components, as their module states them. */
import type { SupportLevel } from '@/api/types'

export const supportWords = {
  certified: { short: 'certified support', long: 'Tested and supported by Redpanda.' },
  community: { short: 'community support', long: 'Maintained by the community.' },
  enterprise: { short: 'enterprise support', long: 'Supported by Redpanda for holders of an enterprise licence.' },
} satisfies Record<SupportLevel, { short: string; long: string }>

export const supportLevels = Object.keys(supportWords) as SupportLevel[]
