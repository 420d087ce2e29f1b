// User actions: saving a download, moving the focus with Tab.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'

export interface Saved {
  name: string
  bytes: Buffer
  digest: string
}

/** The file that an action on the page downloads. */
export async function saved(page: Page, act: () => Promise<void>): Promise<Saved> {
  const waiting = page.waitForEvent('download')
  await act()
  const download = await waiting
  const bytes = readFileSync(await download.path())
  return { name: download.suggestedFilename(), bytes, digest: createHash('sha256').update(bytes).digest('hex') }
}

/** Presses Tab until this is focused. */
export async function tabTo(page: Page, testId: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate(() => document.activeElement?.closest('[data-testid]')?.getAttribute('data-testid'))
    if (focused === testId) return
  }
  throw new Error(`${testId} can’t be reached with Tab`)
}
