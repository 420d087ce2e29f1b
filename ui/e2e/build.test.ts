// Pick a component on the site, build it for real, download the binary.

import { expect, test } from 'vitest'
import { saved } from './hands'
import { Site } from './wombat'

const site = new Site()

test('a component is picked, built and downloaded', async () => {
  const page = await site.browser.newPage({ viewport: { width: 1440, height: 900 }, acceptDownloads: true })
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })

  await page.goto(site.url)
  await page.getByTestId('search-input').fill('jetstream')
  // The whole card is the checkbox's label.
  await page.locator('label:text-is("nats")').click()
  expect(await page.getByTestId('package-nats').isChecked()).toBe(true)
  await expect.poll(() => page.url()).toContain('nats')

  // The address contains the selection: a fresh page shows the same.
  const shared = await site.browser.newPage()
  await shared.goto(page.url())
  await expect.poll(() => shared.getByTestId('package-nats').isChecked()).toBe(true)
  await shared.close()

  await page.getByTestId('build-button').click()
  await page.waitForURL(/\/b\/build\./)
  await page.getByTestId('download-link').waitFor({ timeout: 900_000 })

  const { name, bytes, digest } = await saved(page, () => page.getByTestId('download-link').click())
  expect(name).toMatch(/^wombat-[0-9a-f]{12}-linux-amd64$/)
  expect(bytes.subarray(0, 4).toString('latin1')).toBe('\x7fELF')
  expect(await page.getByTestId('sha256').textContent()).toContain(digest)

  // Its modules, as the binary records them.
  await page.getByTestId('size-map').locator('text').getByText('redpanda-data/benthos/v4').waitFor()
  await page.getByTestId('all-modules').locator('summary').click()
  await page.getByRole('cell', { name: 'github.com/nats-io/nats.go', exact: true }).waitFor()

  // Other platforms, one of which is requested.
  await page.getByTestId('other-platforms').locator('summary').click()
  const row = page.getByTestId('platform-linux/arm64')
  await row.getByText('not built yet').waitFor()
  await page.getByTestId('platform-freebsd/amd64').getByText('not built yet').waitFor()
  await row.getByRole('button', { name: 'Build for linux/arm64' }).click()
  await row.getByRole('link', { name: 'See the build for linux/arm64' }).waitFor()

  // The link and the list lead to the build.
  await page.reload()
  await page.getByTestId('download-link').waitFor()
  await page.goto(`${site.url}/builds`)
  await page.getByText('nats').first().waitFor()

  expect(errors).toEqual([])
})

test('a direct download asks first, and needs no JavaScript', async () => {
  // As any website could try it.
  const elsewhere = await site.browser.newPage()
  const address = `${site.url}/dl/linux/amd64?components=nats,redis`
  const statuses = new Map<string, number>()
  elsewhere.on('response', (response) => statuses.set(response.request().resourceType(), response.status()))
  await elsewhere.setContent(`<iframe src="${address}"></iframe><img src="${address}"><script src="${address}"></script>`, { waitUntil: 'load' })
  await expect.poll(() => Object.fromEntries(statuses)).toMatchObject({ document: 403 })
  const listed = await elsewhere.request.get(`${site.url}/api/builds?q=component:redis`)
  expect(await listed.json()).toMatchObject({ total: 0 })
  await elsewhere.close()

  const context = await site.browser.newContext({ javaScriptEnabled: false, acceptDownloads: true })
  const page = await context.newPage()
  await page.goto(address)
  await page.getByText('Nothing has been started yet.').waitFor()
  expect(await page.getByRole('link', { name: 'Change this selection on the site' }).getAttribute('href')).toBe('/?c=nats,redis&platform=linux/amd64')
  await page.keyboard.press('Tab')
  const { bytes } = await saved(page, () => page.keyboard.press('Enter'))
  expect(bytes.subarray(0, 4).toString('latin1')).toBe('\x7fELF')
  await page.getByRole('heading', { name: 'Your binary is ready' }).waitFor()
  await context.close()
})

test('a pasted pipeline shows its mistakes, and becomes a binary', async () => {
  const page = await site.browser.newPage({ viewport: { width: 1440, height: 900 }, acceptDownloads: true })
  await page.goto(site.url)
  await page.getByRole('tab', { name: 'Paste a pipeline' }).click()
  await expect.poll(() => page.url()).toContain('way=paste')
  const area = page.getByTestId('pipeline').locator('textarea').first()
  const pipeline = "input:\n  natz:\n    urls: ['nats://a']\n    subject: b\noutput:\n  stdout: {}\n"
  await area.fill(pipeline)
  const mistake = page.getByTestId('mistakes').getByRole('listitem')
  await expect.poll(() => mistake.first().textContent()).toContain('There is no input `natz`; did you mean `nats`?')
  await mistake.first().getByRole('button', { name: 'Line 2, column 3' }).click()
  const selected = await area.evaluate((field: HTMLTextAreaElement) => field.value.slice(field.selectionStart, field.selectionEnd))
  expect(selected).toBe('natz')

  await area.fill(pipeline.replace('natz', 'nats'))
  await expect.poll(() => page.getByTestId('pipeline-state').textContent()).toContain('1 package for 1 component')
  await expect.poll(() => page.url()).toContain('nats')
  await page.getByTestId('build-button').click()
  await page.getByTestId('download-link').waitFor({ timeout: 900_000 })
  // The finished binary can check the pasted pipeline.
  await page.getByTestId('check').click()
  await expect.poll(() => page.getByTestId('check-state').textContent()).toContain('The binary accepts this pipeline')
})

test('opening the pipeline again doesn’t undo later picks', async () => {
  const page = await site.browser.newPage({ viewport: { width: 1440, height: 900 } })
  await page.goto(`${site.url}/?way=paste`)
  const area = page.getByTestId('pipeline').locator('textarea').first()
  const pipeline = "input:\n  nats:\n    urls: ['nats://a']\n    subject: b\noutput:\n  stdout: {}\n"
  await area.fill(pipeline)
  const picks = page.getByRole('heading', { name: /^\d+ picks?$/ })
  await expect.poll(() => picks.textContent()).toBe('1 pick')
  await page.getByRole('tab', { name: 'Pick' }).click()
  await page.locator('label:text-is("redis")').click()
  await expect.poll(() => picks.textContent()).toBe('2 picks')
  await page.getByRole('tab', { name: 'Paste a pipeline' }).click()
  await expect.poll(() => page.getByTestId('pipeline-state').textContent()).toContain('1 package for 1 component')
  expect(await picks.textContent()).toBe('2 picks')
  // Pasted again, it replaces the picks again.
  await area.fill('')
  await expect.poll(() => page.getByTestId('pipeline-state').textContent()).not.toContain('package')
  await area.fill(pipeline)
  await expect.poll(() => picks.textContent()).toBe('1 pick')
})

test('a distribution with an own name and version', async () => {
  const page = await site.browser.newPage({ viewport: { width: 1440, height: 900 }, acceptDownloads: true })
  await page.goto(`${site.url}/?p=nats&platform=linux/amd64&name=Acme&version=1.4.0`)
  // The fields are open, and the one with a fault says so.
  const name = page.getByTestId('own-name')
  expect([await name.inputValue(), await page.getByTestId('own-version').inputValue()]).toEqual(['Acme', '1.4.0'])
  expect(await name.getAttribute('aria-invalid')).toBe('true')
  await page.getByText('A name has no capital letters.').waitFor()
  expect(await page.getByTestId('build-button').isDisabled()).toBe(true)
  // Cleared to be typed again, they stay open.
  await name.fill('')
  await name.fill('acme-connect')
  await expect.poll(() => page.url()).toContain('name=acme-connect&version=1.4.0')
  expect(await name.getAttribute('aria-invalid')).toBeNull()
  await page.getByRole('tab', { name: 'wombat' }).click()
  await page.getByText('--name acme-connect --version-label 1.4.0').waitFor()

  await page.getByTestId('build-button').click()
  await page.getByTestId('download-link').waitFor({ timeout: 900_000 })
  const saving = await saved(page, () => page.getByTestId('download-link').click())
  expect(saving.name).toBe('acme-connect-1.4.0-linux-amd64')
  expect(await page.getByTestId('distribution').textContent()).toBe('acme-connect 1.4.0')
  await page.getByLabel('Download with curl', { exact: true }).getByText('curl -fsS -o acme-connect ').waitFor()
  await page.getByText('chmod +x ./acme-connect-1.4.0-linux-amd64').waitFor()
  expect(await page.getByRole('link', { name: 'Change the selection' }).getAttribute('href')).toContain('name=acme-connect&version=1.4.0')

  await page.goto(`${site.url}/builds?q=acme`)
  await page.getByText('acme-connect 1.4.0').first().waitFor()
})

test('packages by their paths, and presets', async () => {
  const page = await site.browser.newPage({ viewport: { width: 1440, height: 900 } })
  await page.goto(site.url)
  await page.getByRole('button', { name: 'NATS and Redis' }).click()
  const picks = page.getByRole('heading', { name: /^\d+ picks?$/ })
  await expect.poll(() => picks.textContent()).toBe('2 picks')
  expect(await page.getByTestId('package-redis').isChecked()).toBe(true)
  // The size is estimated from that of each package.
  await expect.poll(() => page.getByTestId('estimate').textContent()).toMatch(/≈ 34\.\d MB/)

  await page.getByRole('tab', { name: 'Any Go package' }).click()
  await expect.poll(() => page.url()).toContain('way=list')
  const list = page.getByTestId('package-list').locator('textarea').first()
  await list.fill('github.com/redpanda-data/connect/v4/public/components/msgpack\nhttps://github.com/a/b')
  await expect.poll(() => page.getByTestId('list-mistakes').textContent()).toContain('Line 2, https://github.com/a/b: Leave out the https://')
  await page.getByTestId('add-packages').click()
  await expect.poll(() => picks.textContent()).toBe('3 picks')
  // Invalid lines stay, to be corrected.
  expect(await list.inputValue()).toBe('https://github.com/a/b')

  await page.getByRole('tab', { name: 'Pick' }).click()
  expect(await page.locator('label:text-is("a2a")').isVisible()).toBe(true)
  await page.getByTestId('buildable').click()
  await expect.poll(() => page.url()).toContain('buildable=1')
  await expect.poll(() => page.getByTestId('hit-count').textContent()).toMatch(/^\d+ packages of \d+/)
  expect(await page.locator('label:text-is("a2a")').isVisible()).toBe(false)
})
