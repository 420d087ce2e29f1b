// The accessibility of every page, and the size of the first one.

import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { looks } from './looks'
import { Site } from './wombat'

const NATS = 'github.com/redpanda-data/connect/v4/public/components/nats'
/** Not a package of that module, which only Go detects. */
const MISSING = 'github.com/redpanda-data/benthos/v4/public/nowhere'

const site = new Site()
let page: Page
let done: string
let failed: string

/** A release that the catalog's newest depends on: only an import brings its documentation. */
const BASE = { module: 'github.com/redpanda-data/benthos/v4', version: 'v4.77.0' }

/** Imports it and waits until the catalog has it. */
async function imported(): Promise<string> {
  const asked = await page.request.post(`${site.url}/api/catalog/imports`, { data: BASE })
  expect(asked.status()).toBe(202)
  for (;;) {
    const answer = await page.request.get(`${site.url}/api/catalog/imports`)
    const { imports } = (await answer.json()) as { imports: { status: string }[] }
    const status = imports[0]?.status ?? ''
    if (status === 'success' || status === 'failed') return status
    await page.waitForTimeout(500)
  }
}

/** Requests a build and waits for its end. */
async function built(packages: string[]): Promise<string> {
  const asked = await page.request.post(`${site.url}/api/builds`, { data: { goos: 'linux', goarch: 'amd64', packages } })
  expect(asked.ok()).toBe(true)
  const { id } = (await asked.json()) as { id: string }
  for (;;) {
    const answer = await page.request.get(`${site.url}/api/builds/${id}?wait=30`, { timeout: 60_000 })
    const { status } = (await answer.json()) as { status: string }
    if (status === 'success' || status === 'failed') return `${id} ${status}`
  }
}

beforeAll(async () => {
  page = await site.browser.newPage()
  const ends = [await built([NATS]), await built([NATS, MISSING])]
  expect(ends.map((end) => end.split(' ')[1])).toEqual(['success', 'failed'])
  done = `b/${ends[0]?.split(' ')[0] ?? ''}`
  expect(await imported()).toBe('success')
  failed = `b/${ends[1]?.split(' ')[0] ?? ''}`
})

/** The pages: name, address, and a condition for being loaded. */
const pages: [name: string, address: () => string, ready: (page: Page) => Promise<unknown>][] = [
  ['build', () => '', (page) => page.getByTestId('hit-count').waitFor()],
  ['build-picked', () => '?c=nats,redis', (page) => page.getByText('Apache-2.0 only').first().waitFor({ state: 'attached' })],
  ['build-nothing', () => '?q=natz', (page) => page.getByText('No package matches').waitFor()],
  ['build-list', () => '?way=list', (page) => page.getByTestId('package-list').waitFor()],
  ['build-paste', () => '?way=paste', (page) => page.getByTestId('pipeline').waitFor()],
  [
    'build-variables',
    () => '?way=paste',
    async (page) => {
      await page.getByTestId('pipeline').locator('textarea').first().fill('input:\n  ${SOURCE}:\n    a: ${HOST:localhost}\noutput:\n  natz: {}\n')
      await page.getByTestId('variable-SOURCE').getByText('decides here').waitFor()
    },
  ],
  ['build-distribution', () => '?c=nats&name=Acme&version=1.4.0', (page) => page.getByText('A name has no capital letters.').waitFor()],
  ['one-build', () => done, (page) => page.getByTestId('size-map').waitFor()],
  [
    'one-build-check',
    () => done,
    async (page) => {
      await page.getByText('Check a pipeline with this binary').click()
      await page.getByTestId('check-pipeline').locator('textarea').first().fill('input:\n  natz: {}\noutput:\n  stdout: {}\n')
      await page.getByTestId('check').click()
      await page.getByTestId('complaints').getByText('natz').first().waitFor()
    },
  ],
  ['one-build-failed', () => failed, (page) => page.getByText('nowhere').first().waitFor()],
  ['builds', () => 'builds', (page) => page.getByText('nats').first().waitFor()],
  ['builds-nothing', () => 'builds?q=status:cancelled', (page) => page.getByText('No build matches').waitFor()],
  ['components', () => 'components', (page) => page.getByText('nats_jetstream').first().waitFor()],
  ['component', () => 'components/input/nats_jetstream', (page) => page.getByText('urls').first().waitFor()],
  ['component-words', () => 'components/processor/mapping', (page) => page.getByTestId('words').waitFor()],
  ['fleet', () => 'fleet', (page) => page.getByRole('heading', { name: 'Median time by phase' }).waitFor().then(() => page.getByText('in the catalog, 3 packages').waitFor())],
  ['docs', () => 'docs', (page) => page.getByText('/api/resolve').first().waitFor()],
  ['api', () => 'docs/api', (page) => page.getByText('/api/resolve').first().waitFor()],
  ['about', () => 'about', (page) => page.getByRole('heading', { level: 1 }).waitFor()],
  [
    'fleet-fetching',
    () => 'fleet',
    async (page) => {
      const builder = { builder: 'b1', host: 'fox', version: '0.2.0', workers: 0, active: [], go: null, sandbox: 'none', templates: [1, 2], draining: true, leaseMs: 9000 }
      await page.route('**/api/builders', (route) => route.fulfill({ json: { builders: [{ ...builder, problem: 'fetching Go 1.26.11, 34 of 70 MB' }] } }))
      await page.getByRole('progressbar').waitFor()
    },
  ],
  ['download', () => 'dl/linux/amd64?components=redis,nats', (page) => page.getByRole('button', { name: 'Build and download' }).waitFor()],
  ['missing', () => 'nowhere', (page) => page.getByRole('heading', { level: 1 }).waitFor()],
]

test.each(pages)('%s is accessible', async (name, address, ready) => {
  await page.goto(`${site.url}/${address()}`)
  await ready(page)
  expect(await looks(page, name)).toEqual([])
})

test('the first page costs less than 200 kB', async () => {
  const fresh = await site.browser.newPage()
  const session = await fresh.context().newCDPSession(fresh)
  await session.send('Network.enable')
  let bytes = 0
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength))
  await fresh.goto(site.url, { waitUntil: 'networkidle' })
  await fresh.getByTestId('hit-count').waitFor()
  // The catalog, which is part of the first visit, counts as well.
  expect(bytes).toBeGreaterThan(50_000)
  expect(bytes).toBeLessThan(200_000)
})
