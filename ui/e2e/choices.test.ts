// What can be chosen beside packages: values of a pipeline's variables, and Go releases. No build is needed.

import type { Page, Request } from 'playwright-core'
import { expect, test } from 'vitest'
import { Site } from './wombat'

const site = new Site()

async function newPage(address: string): Promise<Page> {
  const page = await site.browser.newPage({ viewport: { width: 1440, height: 900 } })
  await page.goto(`${site.url}/${address}`)
  return page
}

const focused = (page: Page): Promise<string | null | undefined> => page.evaluate(() => document.activeElement?.getAttribute('data-testid'))

test('variables of a pipeline', async () => {
  const page = await newPage('?way=paste')
  const asked: Request[] = []
  page.on('request', (request) => {
    if (request.url().includes('/api/catalog/select')) asked.push(request)
  })
  const area = page.getByTestId('pipeline').locator('textarea').first()
  await area.fill('input:\n  ${SOURCE}:\n    urls: ["nats://${HOST:localhost}"]\n    subject: orders\noutput:\n  stdout: {}\n')

  // The one that decides stands first, with the words of the answer.
  const rows = page.locator('[data-testid^="variable-"]')
  await expect.poll(() => rows.evaluateAll((items) => items.map((item) => item.getAttribute('data-testid')))).toEqual(['variable-SOURCE', 'variable-HOST'])
  const source = page.getByTestId('variable-SOURCE')
  await expect.poll(() => source.textContent()).toContain('`${SOURCE}` decides here; give it a value.')
  await expect.poll(() => page.getByTestId('pipeline-state').textContent()).toContain('1 variable without a value decides')
  expect(await page.getByTestId('variable-HOST').textContent()).toContain('default localhost')
  await source.getByRole('button', { name: 'Line 2, column 3', exact: true }).click()
  const selected = await area.evaluate((field: HTMLTextAreaElement) => field.value.slice(field.selectionStart, field.selectionEnd))
  expect(selected).toBe('${SOURCE}')
  expect(asked.at(-1)?.postData()).toMatch(/^input:/)

  // While it is typed, the field keeps the focus, whatever the answers say.
  const value = page.getByTestId('value-SOURCE')
  expect(await value.getAttribute('type')).toBe('password')
  await value.pressSequentially('nats', { delay: 150 })
  await expect.poll(() => page.getByTestId('pipeline-state').textContent()).toContain('1 package for 1 component')
  expect(await focused(page)).toBe('value-SOURCE')
  await expect.poll(() => source.textContent()).not.toContain('decides here')
  await expect.poll(() => page.url()).toContain('p=nats')
  await source.getByRole('button', { name: 'Show the value of SOURCE' }).click()
  expect(await value.getAttribute('type')).toBe('text')
  await source.getByRole('button', { name: 'Hide the value of SOURCE' }).click()
  expect(await value.getAttribute('type')).toBe('password')

  // A value is sent, and kept nowhere.
  await page.getByTestId('value-HOST').fill('hunter2')
  await expect.poll(() => asked.at(-1)?.postData()).toContain('"variables":{"HOST":"hunter2","SOURCE":"nats"}')
  expect(asked.at(-1)?.headers()['content-type']).toBe('application/json')
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state]))
  expect(kept + page.url() + asked.map((request) => request.url()).join()).not.toContain('hunter2')

  // It stays while another tab is shown, and goes with the pipeline.
  await page.getByRole('tab', { name: 'Pick' }).click()
  await page.getByRole('tab', { name: 'Paste a pipeline' }).click()
  await expect.poll(() => page.getByTestId('value-HOST').inputValue()).toBe('hunter2')
  await page.getByRole('region', { name: 'Paste a pipeline' }).getByRole('button', { name: 'Clear' }).click()
  await page.getByTestId('variables').waitFor({ state: 'detached' })
  await area.fill('input: {nats: {urls: ["${HOST}"], subject: a}}\noutput: {stdout: {}}\n')
  await expect.poll(() => page.getByTestId('value-HOST').inputValue()).toBe('')
})

test('notes on a pipeline lead to their places', async () => {
  const page = await newPage('?way=paste')
  const area = page.getByTestId('pipeline').locator('textarea').first()
  await area.fill('pipeline:\n  processors:\n    - mapping: from "lib/a.blobl"\n')
  const notes = page.getByRole('list', { name: 'Notes' })
  await expect.poll(() => notes.textContent()).toContain('not seen: `lib/a.blobl`')
  await notes.getByRole('button').click()
  expect(await area.evaluate((field: HTMLTextAreaElement) => field.value.slice(field.selectionStart, field.selectionEnd))).not.toBe('')
  await expect.poll(() => page.getByTestId('pipeline-state').textContent()).toContain('1 note.')
})

test('Go releases: the newest of each line, and older ones on demand', async () => {
  const page = await newPage('?c=nats')
  const picker = page.getByTestId('go-picker')
  const shown = (): Promise<string[]> => picker.locator('optgroup').evaluateAll((groups) => groups.map((group) => (group as HTMLOptGroupElement).label))
  await expect.poll(shown).toEqual(['Newest of each line'])
  const lines = await picker.locator('optgroup option').evaluateAll((options) => options.map((option) => (option as HTMLOptionElement).value.split('.')[1]))
  expect(new Set(lines).size).toBe(lines.length)

  await page.getByTestId('more-go').focus()
  await page.keyboard.press('Enter')
  await expect.poll(shown).toEqual(['Newest of each line', 'Older'])
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('SELECT')
  const older = (await picker.locator('optgroup[label="Older"] option').first().getAttribute('value')) ?? ''
  await picker.locator('select').selectOption(older)
  await expect.poll(() => page.url()).toContain(`go=${older}`)

  // The link shows it, though the others are hidden.
  await page.reload()
  await expect.poll(() => picker.locator('select').inputValue()).toBe(older)
  await expect.poll(shown).toEqual(['Newest of each line', 'Older'])
  expect(await picker.locator('optgroup[label="Older"] option').count()).toBe(1)
})

test('the fleet shows a builder that fetches its Go, and the releases on offer', async () => {
  const page = await site.browser.newPage({ viewport: { width: 1440, height: 900 } })
  const builder = { builder: 'b1', host: 'fox', version: '0.2.0', workers: 0, active: [], go: null, sandbox: 'none', templates: [1, 2], draining: true, leaseMs: 9000 }
  let problem = 'fetching Go 1.26.11, 34 of 70 MB'
  await page.route('**/api/builders', (route) => route.fulfill({ json: { builders: [{ ...builder, problem }] } }))
  await page.goto(`${site.url}/fleet`)
  const row = page.getByRole('row', { name: /b1/ })
  await row.getByText('fetches Go').waitFor()
  expect(await row.getByRole('progressbar').evaluate((bar: HTMLProgressElement) => [bar.value, bar.max])).toEqual([34, 70])
  expect(await page.getByText('can’t build').count()).toBe(0)
  problem = 'The disk has 1.0 GiB left.'
  await row.getByText('can’t build').waitFor()
  await row.getByText('The disk has 1.0 GiB left.').waitFor()
  await page.getByTestId('go-releases').getByText(/Builders can fetch 1\.\d+\.\d+/).waitFor()
})
