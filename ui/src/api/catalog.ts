/** Calls about the catalog, and about the service itself. */
import type { OpenapiDocument } from '@/lib/openapi'

import { asText, bodyOf, client } from './client'
import type { paths } from './schema'
import type { CatalogAnswer, ComponentAnswer, ComponentKind, ImportsAnswer, PlatformsAnswer, SelectAnswer, VersionAnswer } from './types'

/** More packages than any release has, so that one answer holds them all. */
const ALL = 1000

/** The newest release of every module, or one release of one module. */
export const getCatalog = (module?: string, version?: string): Promise<CatalogAnswer> =>
  bodyOf(client.GET('/api/catalog', { params: { query: { module, version, limit: ALL } } }))

/** `kind` comes from an address; the service checks it. */
export const getComponent = (kind: string, name: string, signal?: AbortSignal): Promise<ComponentAnswer> =>
  bodyOf(client.GET('/api/catalog/components/{kind}/{name}', { params: { path: { kind: kind as ComponentKind, name } }, signal }))

export interface SelectTarget {
  goos: string
  goarch: string
  variant: string | undefined
  goVersion: string | undefined
}
type SelectQuery = paths['/api/catalog/select']['post']['parameters']['query']

/** The components and packages that a pipeline needs; the server doesn't keep the pipeline. The service checks the target, which comes from an address. */
export const selectFor = (pipeline: string, target: SelectTarget, signal: AbortSignal): Promise<SelectAnswer> =>
  bodyOf(client.POST('/api/catalog/select', { params: { query: target as SelectQuery }, body: pipeline, ...asText, signal }))

/** Imports that wait, run or have ended. */
export const getImports = (signal?: AbortSignal): Promise<ImportsAnswer> => bodyOf(client.GET('/api/catalog/imports', { signal }))

export const getPlatforms = (): Promise<PlatformsAnswer> => bodyOf(client.GET('/api/platforms'))

export const getVersion = (): Promise<VersionAnswer> => bodyOf(client.GET('/api/version'))

/** The schema doesn't describe its own document. */
export const getOpenapi = async (signal: AbortSignal): Promise<OpenapiDocument> =>
  (await bodyOf(client.GET('/api/openapi.json', { signal }))) as OpenapiDocument
