import { callJson } from './client'
import type { BuildView, BuildersAnswer, Contents, ListAnswer, Recipe, RequestBody, ResolveAnswer, StatsAnswer } from './types'

const one = (id: string): string => `/api/builds/${encodeURIComponent(id)}`

export const requestBuild = (body: RequestBody): Promise<BuildView> =>
  callJson('/api/builds', { method: 'POST', body })

/** Says that this rests in the basket: an idle builder may begin with it. Whether one does makes no difference to us. */
export const buildAhead = (body: RequestBody, signal?: AbortSignal): Promise<ResolveAnswer> =>
  callJson('/api/resolve?ahead=true', { method: 'POST', body, ...(signal && { signal }) })
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

export const cancelBuild = (id: string): Promise<BuildView> => callJson(one(id), { method: 'DELETE' })

export const getRecipe = (id: string): Promise<Recipe> => callJson(`${one(id)}/recipe`)

export const getContents = (id: string, signal?: AbortSignal): Promise<Contents> =>
  callJson(`${one(id)}/contents`, signal ? { signal } : {})

export const getBuilders = (signal?: AbortSignal): Promise<BuildersAnswer> =>
  callJson('/api/builders', signal ? { signal } : {})

export const getStats = (minutes: number, signal?: AbortSignal): Promise<StatsAnswer> =>
  callJson('/api/stats', { query: { minutes }, ...(signal && { signal }) })

export const buildEventsUrl = (id: string): string => `${one(id)}/events`
export const buildLogUrl = (id: string): string => `${one(id)}/log`
export const allEventsUrl = '/api/events'
