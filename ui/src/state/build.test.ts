import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { effectScope, ref } from 'vue'

import { useBuild } from './build'

const ID = 'build.linux.amd64.1_26_8.abc'

let opened: string[] = []
let answer: (response: Response) => void = () => {}
let fetched: Promise<Response>

beforeEach(() => {
  opened = []
  vi.stubGlobal(
    'EventSource',
    class {
      constructor(url: string) {
        opened.push(url)
      }
      addEventListener(): void {}
      close(): void {}
    },
  )
  fetched = new Promise((resolve) => (answer = resolve))
  vi.stubGlobal('fetch', async () => (await fetched).clone())
})
afterEach(() => vi.unstubAllGlobals())

/** Answers all reads of the build, and lets what waits for them go on. */
async function answered(): Promise<void> {
  answer(Response.json({ id: ID, status: 'building', revision: 1 }))
  await fetched
  await new Promise((resolve) => setTimeout(resolve))
}

test('a page that is gone before its build is read opens no stream', async () => {
  const scope = effectScope()
  const build = scope.run(() => useBuild(ref(ID)))
  scope.stop()
  await answered()
  expect(build?.build.value).toBeUndefined()
  expect(opened).toEqual([])
})

test('starting over while the build is read opens one stream', async () => {
  const scope = effectScope()
  const build = scope.run(() => useBuild(ref(ID)))
  build?.restart()
  await answered()
  expect(build?.build.value?.status).toBe('building')
  expect(opened).toEqual([`/api/builds/${ID}/events`])
  scope.stop()
})
