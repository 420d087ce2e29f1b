/** The client of the REST API, typed by the service's OpenAPI document; the only place that calls `fetch`. */
import createClient, { type Client, type ClientPathsWithMethod, type FetchOptions, type FetchResponse, type Middleware } from 'openapi-fetch'
import { readonly, ref } from 'vue'

import { secondsOf } from '@/lib/pace'

import { ApiError, errorOf, unreachable } from './error'
import type { paths } from './schema'

const reached = ref(true)
/** Whether the last call reached the server. */
export const isReached = readonly(reached)

/** For owners of an EventSource, whose errors carry no cause: reports that the server was reached. */
export const noteReached = (value: boolean): void => {
  reached.value = value
}

let serverAhead = 0
/** The server's clock in milliseconds, by the `Date` header of the last answer. */
export const serverNow = (): number => Date.now() + serverAhead

let token: string | undefined
/** Sets the bearer token of all further calls. It is kept in memory only, so it ends with the page. */
export const setToken = (value: string | undefined): void => {
  token = value
}

const connection: Middleware = {
  onRequest({ request }) {
    if (token) request.headers.set('authorization', `Bearer ${token}`)
  },
  async onResponse({ response }) {
    noteClock(response)
    if (response.ok) {
      reached.value = true
      return
    }
    const error = errorOf(response.status, await response.text(), response.headers.get('retry-after'))
    reached.value = !error.isUnreachable
    throw error
  },
  onError({ request }) {
    // An aborted call says nothing about the server.
    if (!request.signal.aborted) return lost()
  },
}

type Method = 'get' | 'post' | 'delete'
type Operation<Path extends keyof paths, M extends Method> = NonNullable<paths[Path][M]>
type Options<All> = Record<never, never> extends All ? [All?] : [All]
/** A method of openapi-fetch without its tolerance: an option or parameter that the schema doesn't have is a type error. */
type Calls<M extends Method> = <Path extends ClientPathsWithMethod<Client<paths>, M>>(
  path: Path,
  ...options: Options<FetchOptions<Operation<Path, M>>>
) => Promise<FetchResponse<Operation<Path, M>, object, `${string}/${string}`>>

const tolerant = createClient<paths>({
  baseUrl: location.origin,
  headers: { accept: 'application/json' },
  // Looked up at each call: tests replace it.
  fetch: (request) => fetch(request),
})
tolerant.use(connection)

/** Calls with path, parameters, body and answer as in the schema; a status other than 2xx is thrown as an `ApiError`. */
export const client = tolerant as { GET: Calls<'get'>; POST: Calls<'post'>; DELETE: Calls<'delete'> }

/** Options of a call whose body is a text, not JSON. */
export const asText = {
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  bodySerializer: (body: unknown): string => String(body),
}

/** A call as `client` makes it. */
type Call<T> = Promise<{ data?: T; response: Response }>

async function answered<T>(call: Call<T>): Promise<{ data: T; response: Response }> {
  const { data, response } = await call
  if (data === undefined) throw new ApiError(response.status, 'internal', 'The server sent an empty answer.')
  return { data, response }
}

/** The body of an answer. */
export const bodyOf = async <T>(call: Call<T>): Promise<T> => (await answered(call)).data

export interface Paced<T> {
  answer: T
  /** Seconds until the next call is worthwhile. */
  retryAfter: number | undefined
}

/** The body of an answer and its `Retry-After`. */
export async function pacedOf<T>(call: Call<T>): Promise<Paced<T>> {
  const { data, response } = await answered(call)
  return { answer: data, retryAfter: secondsOf(response.headers.get('retry-after')) }
}

/** The body of an answer with status 200; 202 with the build's record means that the build isn't finished. */
export async function finishedOf<T, Unfinished>(call: Call<T | Unfinished>): Promise<T> {
  const { data, response } = await answered(call)
  if (response.status === 202) throw new ApiError(202, 'unfinished', 'This build isn’t finished yet.')
  return data as T
}

export interface RawAnswer {
  status: number
  statusText: string
  headers: [name: string, value: string][]
  /** Milliseconds until the headers arrived. */
  took: number
  body: string
}

/** An answer unchanged, whatever its status: for the API page, where a call is tried by its address. */
export async function callRaw(address: string, signal: AbortSignal): Promise<RawAnswer> {
  const began = performance.now()
  const response = await fetch(address, { headers: { accept: '*/*' }, signal }).catch((thrown: unknown) => {
    throw signal.aborted ? thrown : lost()
  })
  reached.value = true
  const took = performance.now() - began
  return { status: response.status, statusText: response.statusText, headers: [...response.headers], took, body: await response.text() }
}

/** The call got no answer at all. */
function lost(): ApiError {
  reached.value = false
  return unreachable()
}

function noteClock(response: Response): void {
  const date = Date.parse(response.headers.get('date') ?? '')
  // The header is in whole seconds, and the answer took a while: a smaller difference is none.
  if (!Number.isNaN(date)) serverAhead = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0
}
