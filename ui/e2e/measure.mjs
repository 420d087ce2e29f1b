// Measures a browser for `bench`: the first page, searches, and the way from an empty selection to a downloaded binary.
//
//   node measure.mjs URL RUNS PAIR…     PAIR: two packages with a comma between them that weren't built together yet
//
// Prints JSON: bytes, and times in milliseconds.

import process from 'node:process'
import { chromium } from 'playwright-core'

const [url, runs, ...pairs] = process.argv.slice(2)
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
})
const figures = { firstLoadBytes: [], interactive: [], search: [], componentSearch: [], cleared: [], binary: [] }

/** The first page in a fresh browser context; milliseconds from the start of the navigation until a card can be picked. */
async function first() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true })
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  await session.send('Network.enable')
  let bytes = 0
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength))
  await page.goto(url, { waitUntil: 'commit' })
  const ready = await page.waitForFunction(() => document.querySelector('[data-testid=package-nats]') && performance.now())
  const interactive = await ready.jsonValue()
  await page.waitForLoadState('networkidle')
  return { context, page, interactive, bytes }
}

/** In the page: types a word that changes the number of results, and waits until the frame that shows it is drawn. */
const search = (word) =>
  new Promise((done) => {
    const input = document.querySelector('[data-testid=search-input]')
    const count = () => document.querySelector('[data-testid=hit-count]').textContent
    const before = count()
    const start = performance.now()
    input.value = word
    input.dispatchEvent(new Event('input', { bubbles: true }))
    const look = () => {
      if (count() === before) return requestAnimationFrame(look)
      // A frame's callbacks come before it is laid out and painted; a message that they post comes after.
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => done(performance.now() - start)
      port2.postMessage(undefined)
    }
    requestAnimationFrame(look)
  })

async function searches(page, times, searched) {
  for (const word of searched) {
    times.push(await page.evaluate(search, word))
    figures.cleared.push(await page.evaluate(search, ''))
  }
}

for (let run = 0; run < Number(runs); run += 1) {
  const { context, page, interactive, bytes } = await first()
  figures.interactive.push(interactive)
  figures.firstLoadBytes.push(bytes)
  await searches(page, figures.search, ['kafka', 's3', 'rate limit', 'nats_jetstream'])
  await page.goto(new URL('components', url).href, { waitUntil: 'networkidle' })
  await page.getByTestId('hit-count').waitFor()
  await searches(page, figures.componentSearch, ['kafka', 's3', 'redis', 'nats_jetstream'])
  await context.close()
}

for (const pair of pairs) {
  const { context, page } = await first()
  const start = performance.now()
  for (const name of pair.split(',')) await page.locator(`label:text-is("${name}")`).click()
  await page.getByTestId('build-button').click()
  await page.getByTestId('download-link').waitFor({ timeout: 120_000 })
  const waiting = page.waitForEvent('download')
  await page.getByTestId('download-link').click()
  await (await waiting).path()
  figures.binary.push(performance.now() - start)
  await context.close()
}

await browser.close()
process.stdout.write(JSON.stringify(figures))
