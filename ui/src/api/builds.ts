import { callJson, callPaced, type Paced } from './client'
import type { BuildView, BuildersAnswer, Contents, HealthReport, LintAnswer, ListAnswer, Recipe, RequestBody, ResolveAnswer, StatsAnswer } from './types'

const one = (id: string): string => `/api/builds/${encodeURIComponent(id)}`

export const requestBuild = (body: RequestBody): Promise<BuildView> =>
  callJson('/api/builds', { method: 'POST', body })

/** The same, with when to look again. */
export const requestPaced = (body: RequestBody): Promise<Paced<BuildView>> => callPaced('/api/builds', { method: 'POST', body })

/** Says that this rests in the basket: an idle builder may begin with it. Whether one does makes no difference to us. */
export const buildAhead = (body: RequestBody, signal?: AbortSignal): Promise<ResolveAnswer> =>
  callJson('/api/resolve', { method: 'POST', body, query: { ahead: true }, ...(signal && { signal }) })

export const resolve = (body: RequestBody, signal?: AbortSignal): Promise<ResolveAnswer> =>
  callJson('/api/resolve', { method: 'POST', body, ...(signal && { signal }) })

export interface ListFilter {
  q?: string
  limit?: number
  cursor?: string
  sort?: string
  facets?: boolean
}

export const listBuilds = (filter: ListFilter, signal?: AbortSignal): Promise<ListAnswer> =>
  callJson('/api/builds', { query: { ...filter }, ...(signal && { signal }) })

export const getBuild = (id: string, signal?: AbortSignal): Promise<BuildView> =>
  callJson(one(id), signal ? { signal } : {})

/** The same, with when to look again. */
export const lookAtBuild = (id: string, signal: AbortSignal): Promise<Paced<BuildView>> => callPaced(one(id), { signal })

export const cancelBuild = (id: string): Promise<BuildView> => callJson(one(id), { method: 'DELETE' })

export const getRecipe = (id: string): Promise<Recipe> => callJson(`${one(id)}/recipe`)

export const getContents = (id: string, signal?: AbortSignal): Promise<Contents> =>
  callJson(`${one(id)}/contents`, signal ? { signal } : {})

/** What the finished binary itself says of a pipeline; the server keeps nothing of it. */
export const lintPipeline = (id: string, pipeline: string): Promise<LintAnswer> =>
  callJson(`${one(id)}/lint`, { method: 'POST', text: pipeline })

export const getBuilders = (signal?: AbortSignal): Promise<BuildersAnswer> =>
  callJson('/api/builders', signal ? { signal } : {})

export const getStats = (minutes: number, signal?: AbortSignal): Promise<StatsAnswer> =>
  callJson('/api/stats', { query: { minutes }, ...(signal && { signal }) })

/** How full the stores are, and what is in the way. */
export const getHealth = (signal?: AbortSignal): Promise<HealthReport> => callJson('/api/health', signal ? { signal } : {})

export const buildEventsUrl = (id: string): string => `${one(id)}/events`
export const buildLogUrl = (id: string): string => `${one(id)}/log`
export const allEventsUrl = '/api/events'
