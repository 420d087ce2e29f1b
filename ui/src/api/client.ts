/** The only place that calls `fetch`. */
import { readonly, ref } from 'vue'

import { secondsOf } from '@/lib/pace'

import { type ApiError, errorOf, unreachable } from './error'

const reached = ref(true)
/** Whether the last call got through to a server. */
export const isReached = readonly(reached)

let serverAhead = 0
/** The server's clock, as far as the last answer told it, in milliseconds. */
export const serverNow = (): number => Date.now() + serverAhead

/** A bearer token, for this page's life only. */
const token = ref<string>()
export const setToken = (value: string | undefined): void => {
  token.value = value
}

interface Options {
  method?: 'GET' | 'POST' | 'DELETE'
  /** Sent as JSON. */
  body?: unknown
  /** Sent as it is, in place of a body. */
  text?: string
  query?: Record<string, string | number | boolean | undefined>
  signal?: AbortSignal
}

export async function callJson<T>(path: string, options: Options = {}): Promise<T> {
  const response = await call(path, options)
  return (await response.json()) as T
}

export interface Paced<T> {
  answer: T
  /** Seconds after which it is worth asking again. */
  retryAfter: number | undefined
}

export async function callPaced<T>(path: string, options: Options = {}): Promise<Paced<T>> {
  const response = await call(path, options)
  return { answer: (await response.json()) as T, retryAfter: secondsOf(response.headers.get('retry-after')) }
}

export async function callText(path: string, options: Options = {}): Promise<string> {
  return (await call(path, options)).text()
}

export interface RawAnswer {
  status: number
  statusText: string
  headers: [name: string, value: string][]
  /** Milliseconds until the headers were there. */
  took: number
  body: string
}

/** An answer just as it came, also one that isn't 2xx: for those who try a call. */
export async function callRaw(path: string, signal: AbortSignal): Promise<RawAnswer> {
  const began = performance.now()
  const response = await reach(path, { headers: { accept: '*/*' }, signal })
  reached.value = true
  const took = performance.now() - began
  return { status: response.status, statusText: response.statusText, headers: [...response.headers], took, body: await response.text() }
}

/** An answer, whatever it says; that none came is told. */
async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init)
  } catch (thrown) {
    if (init.signal?.aborted) throw thrown
    reached.value = false
    throw unreachable()
  }
}

async function call(path: string, { method = 'GET', body, text, query, signal }: Options): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json, text/plain' }
  if (body !== undefined) headers['content-type'] = 'application/json'
  else if (text !== undefined) headers['content-type'] = 'text/plain; charset=utf-8'
  if (token.value) headers.authorization = `Bearer ${token.value}`
  const response = await reach(path + queryString(query), {
    method,
    headers,
    body: body === undefined ? (text ?? null) : JSON.stringify(body),
    signal: signal ?? null,
  })
  noteClock(response)
  if (response.ok) {
    reached.value = true
    return response
  }
  const error: ApiError = errorOf(response.status, await response.text(), response.headers.get('retry-after'))
  reached.value = !error.isUnreachable
  throw error
}

/** An EventSource can't tell why it failed; whoever holds one tells what they saw. */
export const noteReached = (value: boolean): void => {
  reached.value = value
}

function noteClock(response: Response): void {
  const date = Date.parse(response.headers.get('date') ?? '')
  // The header has whole seconds, so a smaller difference says nothing.
  if (!Number.isNaN(date)) serverAhead = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0
}

function queryString(query: Options['query']): string {
  const set = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  )
  return set.length > 0 ? `?${new URLSearchParams(set)}` : ''
}
