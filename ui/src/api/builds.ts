/** Calls about builds, and about the builders that make them. */
import { asText, bodyOf, client, finishedOf, pacedOf, type Paced } from './client'
import type { RequestBody as StrictRequestBody } from './schema'
import type { BuildView, BuildersAnswer, Contents, HealthReport, LintAnswer, ListAnswer, Recipe, RequestBody, ResolveAnswer, StatsAnswer } from './types'

/** The service checks the platform and the template, which come from an address or a record. */
const bodyFor = (request: RequestBody): StrictRequestBody => request as StrictRequestBody
const one = (id: string) => ({ path: { id } })

const request = (body: RequestBody) => client.POST('/api/builds', { body: bodyFor(body) })
export const requestBuild = (body: RequestBody): Promise<BuildView> => bodyOf(request(body))
/** Requests a build; with the time until the next look at it. */
export const requestPaced = (body: RequestBody): Promise<Paced<BuildView>> => pacedOf(request(body))

export const resolve = (body: RequestBody, signal?: AbortSignal): Promise<ResolveAnswer> =>
  bodyOf(client.POST('/api/resolve', { body: bodyFor(body), signal }))

/** Reports what the basket holds, so that an idle builder may start on it. The answer is the same either way. */
export const buildAhead = (body: RequestBody, signal?: AbortSignal): Promise<ResolveAnswer> =>
  bodyOf(client.POST('/api/resolve', { body: bodyFor(body), params: { query: { ahead: 'true' } }, signal }))

export interface ListFilter {
  q?: string
  limit?: number
  cursor?: string
  sort?: string
  facets?: boolean
}

export const listBuilds = ({ q, facets, ...filter }: ListFilter, signal?: AbortSignal): Promise<ListAnswer> =>
  bodyOf(client.GET('/api/builds', { params: { query: { ...filter, q: q || undefined, facets: facets ? 'true' : undefined } }, signal }))

const look = (id: string, signal?: AbortSignal) => client.GET('/api/builds/{id}', { params: one(id), signal })
export const getBuild = (id: string, signal?: AbortSignal): Promise<BuildView> => bodyOf(look(id, signal))
/** A build, with the time until the next look at it. */
export const lookAtBuild = (id: string, signal: AbortSignal): Promise<Paced<BuildView>> => pacedOf(look(id, signal))

/** The schema leaves the answer open: with `purge`, which this site doesn't use, it isn't a build. */
export const cancelBuild = async (id: string): Promise<BuildView> =>
  (await bodyOf(client.DELETE('/api/builds/{id}', { params: one(id) }))) as BuildView

export const getRecipe = (id: string): Promise<Recipe> => bodyOf(client.GET('/api/builds/{id}/recipe', { params: one(id) }))

export const getContents = (id: string, signal?: AbortSignal): Promise<Contents> =>
  finishedOf<Contents, BuildView>(client.GET('/api/builds/{id}/contents', { params: one(id), signal }))

/** What the finished binary's own `lint` reports about a pipeline; the server doesn't keep the pipeline. */
export const lintPipeline = (id: string, pipeline: string): Promise<LintAnswer> =>
  finishedOf<LintAnswer, BuildView>(client.POST('/api/builds/{id}/lint', { params: one(id), body: pipeline, ...asText }))

export const getBuilders = (signal?: AbortSignal): Promise<BuildersAnswer> => bodyOf(client.GET('/api/builders', { signal }))

export const getStats = (minutes: number, signal?: AbortSignal): Promise<StatsAnswer> =>
  bodyOf(client.GET('/api/stats', { params: { query: { minutes } }, signal }))

/** How full the stores are, and which problems the service has. */
export const getHealth = (signal?: AbortSignal): Promise<HealthReport> => bodyOf(client.GET('/api/health', { signal }))

const addressOf = (id: string): string => `/api/builds/${encodeURIComponent(id)}`
export const buildEventsUrl = (id: string): string => `${addressOf(id)}/events`
export const buildLogUrl = (id: string): string => `${addressOf(id)}/log`
export const allEventsUrl = '/api/events'
