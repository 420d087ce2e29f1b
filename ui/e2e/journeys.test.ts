// Journeys from an empty selection to a downloaded binary.

import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { saved, tabTo } from './hands'
import { proxy } from './proxy'
import { Site } from './wombat'

const BUILT = 900_000

const site = new Site()

async function newPage(url = site.url): Promise<Page> {
  const page = await site.browser.newPage({ viewport: { width: 1440, height: 900 }, acceptDownloads: true })
  await page.goto(url)
  return page
}

test('three clicks', async () => {
  const page = await newPage()
  await page.locator('label:text-is("nats")').click()
  await page.getByTestId('build-button').click()
  await page.getByTestId('download-link').waitFor({ timeout: BUILT })
  const { bytes, digest } = await saved(page, () => page.getByTestId('download-link').click())
  expect(bytes.subarray(0, 4).toString('latin1')).toBe('\x7fELF')
  expect(await page.getByTestId('sha256').textContent()).toContain(digest)
})

test('one paste', async () => {
  const page = await newPage(`${site.url}/?way=paste`)
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: site.url })
  const pipeline = 'input:\n  redis_streams:\n    url: redis://a\n    streams: [b]\noutput:\n  drop: {}\n'
  await page.evaluate((text) => navigator.clipboard.writeText(text), pipeline)
  await page.getByTestId('pipeline').locator('textarea').first().focus()
  await page.keyboard.press('Control+V')
  await page.getByTestId('build-button').click()
  await page.getByTestId('download-link').waitFor({ timeout: BUILT })
  const { digest } = await saved(page, () => page.getByTestId('download-link').click())
  expect(await page.getByTestId('sha256').textContent()).toContain(digest)
})

test('the keyboard alone', async () => {
  const page = await newPage()
  await page.getByTestId('hit-count').waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('msgpack')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Space')
  expect(await page.getByTestId('package-msgpack').isChecked()).toBe(true)
  await tabTo(page, 'build-button')
  await page.keyboard.press('Enter')
  await page.getByTestId('download-link').waitFor({ timeout: BUILT })
  await tabTo(page, 'download-link')
  const { digest } = await saved(page, () => page.keyboard.press('Enter'))
  expect(await page.getByTestId('sha256').textContent()).toContain(digest)
})

test('a connection that is cut during a build', async () => {
  const cable = await proxy(site.url)
  try {
    const page = await newPage(cable.url)
    for (const name of ['nats', 'redis']) await page.locator(`label:text-is("${name}")`).click()
    await page.getByTestId('build-button').click()
    await page.waitForURL(/\/b\/build\./)
    await page.getByTestId('build-status').waitFor()
    cable.cut()
    await page.getByText(/connection was lost|reach the server/i).first().waitFor()
    // The page keeps its content.
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('nats')
    cable.restore()
    await page.getByTestId('download-link').waitFor({ timeout: BUILT })
    const { digest } = await saved(page, () => page.getByTestId('download-link').click())
    expect(await page.getByTestId('sha256').textContent()).toContain(digest)
  } finally {
    cable.stop()
  }
})

test('one link, opened twice', async () => {
  const one = await newPage()
  for (const name of ['nats', 'msgpack']) await one.locator(`label:text-is("${name}")`).click()
  await expect.poll(() => one.url()).toContain('msgpack')
  // The link to the selection.
  const other = await newPage(one.url())
  await expect.poll(() => other.getByTestId('package-msgpack').isChecked()).toBe(true)
  await one.getByTestId('build-button').click()
  await one.waitForURL(/\/b\/build\./)
  // The link to the build: both pages follow the same one.
  await other.goto(one.url())
  const digests: string[] = []
  for (const page of [one, other]) {
    await page.getByTestId('download-link').waitFor({ timeout: BUILT })
    digests.push((await saved(page, () => page.getByTestId('download-link').click())).digest)
  }
  expect(digests[0]).toBe(digests[1])
  const list = await one.request.get(`${site.url}/api/builds?q=package:msgpack+package:nats`)
  expect(((await list.json()) as { builds: unknown[] }).builds).toHaveLength(1)
})
