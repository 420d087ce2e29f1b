/** Calls about the catalog, and about the service itself. */
import type { OpenapiDocument } from '@/lib/openapi'

import { asText, bodyOf, client } from './client'
import type { paths } from './schema'
import type { CatalogAnswer, ComponentAnswer, ComponentKind, GoReleasesAnswer, ImportsAnswer, PlatformsAnswer, SelectAnswer, VersionAnswer } from './types'

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
type SelectCall = paths['/api/catalog/select']['post']

export interface PipelineQuestion {
  pipeline: string
  /** Values of its variables. */
  variables?: Record<string, string> | undefined
}

/**
 * The components and packages that a pipeline needs; the server keeps neither the pipeline nor a value. The service checks the target, which
 * comes from an address. Values are in the body alone, because servers log addresses.
 */
export function selectFor({ pipeline, variables }: PipelineQuestion, target: SelectTarget, signal: AbortSignal): Promise<SelectAnswer> {
  const params = { query: target as SelectCall['parameters']['query'] }
  if (!variables) return bodyOf(client.POST('/api/catalog/select', { params, body: pipeline, ...asText, signal }))
  const body = { pipeline, variables } satisfies SelectCall['requestBody']['content']['application/json']
  return bodyOf(client.POST('/api/catalog/select', { params, body, signal }))
}

/** The Go releases that builders can fetch. */
export const getGoReleases = (signal?: AbortSignal): Promise<GoReleasesAnswer> => bodyOf(client.GET('/api/catalog/go-releases', { signal }))

/** Imports that wait, run or have ended. */
export const getImports = (signal?: AbortSignal): Promise<ImportsAnswer> => bodyOf(client.GET('/api/catalog/imports', { signal }))

export const getPlatforms = (): Promise<PlatformsAnswer> => bodyOf(client.GET('/api/platforms'))

export const getVersion = (): Promise<VersionAnswer> => bodyOf(client.GET('/api/version'))

/** The schema doesn't describe its own document. */
export const getOpenapi = async (signal: AbortSignal): Promise<OpenapiDocument> =>
  (await bodyOf(client.GET('/api/openapi.json', { signal }))) as OpenapiDocument
