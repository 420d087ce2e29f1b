// A page at every width and in both themes: its accessibility by axe, and screenshots.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import axe, { type AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

/** Height at which screenshots end: below it, long lists only go on. */
const TALLEST = 2400
const WIDTHS = [390, 820, 1440]
const THEMES = ['light', 'dark'] as const

/** The violations that axe finds at any width and in any theme. Saves screenshots if `WOMBAT_SCREENSHOTS` names a folder. */
export async function looks(page: Page, name: string): Promise<string[]> {
  const found = new Set<string>()
  await drawAll(page)
  for (const width of WIDTHS) {
    for (const colorScheme of THEMES) {
      await page.setViewportSize({ width, height: 900 })
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      // A change of the theme runs colour transitions, which nested elements start one after the other.
      await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))))
      await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== 'running'))
      await page.evaluate(axe.source)
      const results = await page.evaluate<AxeResults>('axe.run()')
      for (const { id, nodes } of results.violations) {
        for (const { target } of nodes) found.add(`${name}: ${id} at ${target.join(' ')} (${width}, ${colorScheme})`)
      }
      await picture(page, `${name}-${width}-${colorScheme}`)
    }
  }
  return [...found]
}

/** Renders parts outside the viewport as well: the browser would keep the previous theme’s colours there until they are scrolled to. */
async function drawAll(page: Page): Promise<void> {
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync('* { content-visibility: visible !important }')
    document.adoptedStyleSheets.push(sheet)
  })
}

async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.WOMBAT_SCREENSHOTS
  if (!folder) return
  mkdirSync(folder, { recursive: true })
  await page.evaluate(() => {
    window.scrollTo(0, 0)
  })
  const session = await page.context().newCDPSession(page)
  const { cssContentSize } = await session.send('Page.getLayoutMetrics')
  // WebP, which playwright doesn’t offer, is a fifth of PNG.
  const { data } = await session.send('Page.captureScreenshot', {
    format: 'webp',
    quality: 80,
    captureBeyondViewport: true,
    clip: { x: 0, y: 0, width: cssContentSize.width, height: Math.min(cssContentSize.height, TALLEST), scale: 1 },
  })
  await session.detach()
  writeFileSync(join(folder, `${name}.webp`), Buffer.from(data, 'base64'))
}
