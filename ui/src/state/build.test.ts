import { afterEach, expect, test, vi } from 'vitest'
import { effectScope, ref } from 'vue'

import { useBuild } from './build'

afterEach(() => vi.unstubAllGlobals())

test('a page that is gone before its build is read opens no stream', async () => {
  const opened: string[] = []
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
  let answer: (response: Response) => void = () => {}
  const fetched = new Promise<Response>((resolve) => (answer = resolve))
  vi.stubGlobal('fetch', () => fetched)

  const scope = effectScope()
  const build = scope.run(() => useBuild(ref('build.linux.amd64.1_26_8.abc')))
  scope.stop()
  answer(Response.json({ id: 'build.linux.amd64.1_26_8.abc', status: 'building', revision: 1 }))
  await fetched
  await new Promise((resolve) => setTimeout(resolve))
  expect(build?.build.value).toBeUndefined()
  expect(opened).toEqual([])
})
