import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { getBuild, getContents, lintPipeline, listBuilds, lookAtBuild, requestBuild } from './builds'
import { getComponent, getGoReleases, selectFor } from './catalog'
import { callRaw, isReached, serverNow, setToken } from './client'

/** The requests that were sent, and what answers the next ones. */
const sent: Request[] = []
let answer: () => Response = () => Response.json({})

beforeEach(() => {
  sent.length = 0
  answer = () => Response.json({})
  vi.stubGlobal('fetch', async (input: Request | string, init?: RequestInit) => {
    const request = typeof input === 'string' ? new Request(new URL(input, location.origin), init) : input
    sent.push(request)
    request.signal.throwIfAborted()
    return answer()
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
  setToken(undefined)
})

const line = ({ method, url }: Request): string => `${method} ${url.replace(location.origin, '')}`

describe('a request', () => {
  it('has its path and query, each encoded; empty parameters are left out', async () => {
    await getComponent('input', 'a/b c')
    await listBuilds({ q: 'status:new a&b', limit: 20, facets: true })
    await listBuilds({ q: '', facets: false })
    expect(sent.map(line)).toEqual([
      'GET /api/catalog/components/input/a%2Fb%20c',
      'GET /api/builds?limit=20&q=status%3Anew%20a%26b&facets=true',
      'GET /api/builds',
    ])
  })

  it('has a JSON body, or a pipeline as plain text', async () => {
    await requestBuild({ goos: 'linux', goarch: 'amd64', packages: ['a.b/c'] })
    await lintPipeline('build.x', 'input: {}\n')
    await selectFor({ pipeline: 'a: "b"\n' }, { goos: 'linux', goarch: 'arm', variant: undefined, goVersion: undefined }, new AbortController().signal)
    expect(sent.map(line)).toEqual(['POST /api/builds', 'POST /api/builds/build.x/lint', 'POST /api/catalog/select?goos=linux&goarch=arm'])
    expect(sent.map(({ headers }) => headers.get('content-type'))).toEqual(['application/json', 'text/plain; charset=utf-8', 'text/plain; charset=utf-8'])
    expect(await Promise.all(sent.map((request) => request.text()))).toEqual(['{"goos":"linux","goarch":"amd64","packages":["a.b/c"]}', 'input: {}\n', 'a: "b"\n'])
  })

  it('has the values of variables in its body alone', async () => {
    const target = { goos: 'linux', goarch: 'arm', variant: undefined, goVersion: '1.26.8' }
    await selectFor({ pipeline: 'a: ${A}\n', variables: { A: 'hunter2' } }, target, new AbortController().signal)
    await getGoReleases()
    expect(sent.map(line)).toEqual(['POST /api/catalog/select?goos=linux&goarch=arm&goVersion=1.26.8', 'GET /api/catalog/go-releases'])
    expect(sent[0]?.headers.get('content-type')).toBe('application/json')
    expect(await sent[0]?.text()).toBe('{"pipeline":"a: ${A}\\n","variables":{"A":"hunter2"}}')
  })

  it('carries the token once there is one', async () => {
    await getBuild('a')
    setToken('secret')
    await getBuild('a')
    expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual([null, 'Bearer secret'])
    expect(sent[0]?.headers.get('accept')).toBe('application/json')
  })
})

describe('an answer', () => {
  it('comes with the time until the next call', async () => {
    answer = () => Response.json({ id: 'a' }, { headers: { 'retry-after': '7' } })
    expect(await lookAtBuild('a', new AbortController().signal)).toEqual({ answer: { id: 'a' }, retryAfter: 7 })
  })

  it('is an error with every problem if its status isn’t 2xx', async () => {
    const problems = [{ code: 'missing_field', field: 'goos', message: 'y' }]
    answer = () => Response.json({ code: 'missing_field', detail: 'x', requestId: 'r1', problems }, { status: 429, headers: { 'retry-after': '3' } })
    await expect(getBuild('a')).rejects.toMatchObject({ name: 'ApiError', status: 429, message: 'x', requestId: 'r1', problems, retryAfter: 3 })
    expect(isReached.value).toBe(true)
  })

  it('of an unfinished build is an error where a finished one is needed', async () => {
    answer = () => Response.json({ id: 'a', status: 'building' }, { status: 202 })
    await expect(getContents('a')).rejects.toMatchObject({ name: 'ApiError', code: 'unfinished' })
  })

  it('without a body is an error', async () => {
    answer = () => new Response('', { headers: { 'content-length': '0' } })
    await expect(getBuild('a')).rejects.toMatchObject({ name: 'ApiError', message: 'The server sent an empty answer.' })
  })

  it('sets the clock, unless the difference is within its whole seconds', async () => {
    const at = (milliseconds: number) => () => Response.json({}, { headers: { date: new Date(Date.now() + milliseconds).toUTCString() } })
    answer = at(60_000)
    await getBuild('a')
    expect(Math.abs(serverNow() - Date.now() - 60_000)).toBeLessThan(2000)
    answer = at(0)
    await getBuild('a')
    expect(Math.abs(serverNow() - Date.now())).toBeLessThan(50)
  })
})

describe('without an answer', () => {
  it('the server counts as unreachable, until one comes', async () => {
    answer = () => {
      throw new TypeError('Failed to fetch')
    }
    await expect(getBuild('a')).rejects.toMatchObject({ name: 'ApiError', status: 0, isUnreachable: true })
    expect(isReached.value).toBe(false)
    answer = () => new Response('no', { status: 404 })
    await expect(getBuild('a')).rejects.toMatchObject({ status: 404 })
    expect(isReached.value).toBe(true)
  })

  it('from behind a proxy the server counts as unreachable, too', async () => {
    answer = () => new Response('<html>', { status: 502 })
    await expect(getBuild('a')).rejects.toMatchObject({ status: 502 })
    expect(isReached.value).toBe(false)
    expect(await callRaw('/healthz', new AbortController().signal)).toMatchObject({ status: 502, body: '<html>' })
    expect(isReached.value).toBe(true)
  })

  it('an aborted call leaves the server’s state unchanged', async () => {
    const aborted = AbortSignal.abort()
    await expect(getBuild('a', aborted)).rejects.toMatchObject({ name: 'AbortError' })
    await expect(callRaw('/api/version', aborted)).rejects.toMatchObject({ name: 'AbortError' })
    expect(isReached.value).toBe(true)
  })
})
