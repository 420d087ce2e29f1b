import type { OpenapiDocument } from '@/lib/openapi'

import { callJson } from './client'
import type { CatalogAnswer, ComponentAnswer, ImportsAnswer, PlatformsAnswer, SelectAnswer, VersionAnswer } from './types'

/** More packages than any release has, so that one answer holds them all. */
const ALL = 1000

/** The newest release of every module, or one release of one module. */
export const getCatalog = (module?: string, version?: string): Promise<CatalogAnswer> =>
  callJson('/api/catalog', { query: { module, version, limit: ALL } })

export const getComponent = (kind: string, name: string, signal?: AbortSignal): Promise<ComponentAnswer> =>
  callJson(`/api/catalog/components/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`, signal ? { signal } : {})

export interface SelectTarget {
  goos: string
  goarch: string
  variant: string | undefined
  goVersion: string | undefined
}

/** What a pipeline needs; the server keeps nothing of it. */
export const selectFor = (pipeline: string, target: SelectTarget, signal: AbortSignal): Promise<SelectAnswer> =>
  callJson('/api/catalog/select', { method: 'POST', text: pipeline, query: { ...target }, signal })

/** Modules on their way into the catalog, and those that came in so. */
export const getImports = (signal?: AbortSignal): Promise<ImportsAnswer> => callJson('/api/catalog/imports', signal ? { signal } : {})

export const getPlatforms = (): Promise<PlatformsAnswer> => callJson('/api/platforms')

export const getVersion = (): Promise<VersionAnswer> => callJson('/api/version')

export const getOpenapi = (signal: AbortSignal): Promise<OpenapiDocument> => callJson('/api/openapi.json', { signal })
