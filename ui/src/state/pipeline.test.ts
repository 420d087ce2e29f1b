import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref, type EffectScope } from 'vue'

import type { SelectAnswer } from '@/api/types'

import { usePipeline } from './pipeline'

/** The bodies that were sent, and the answer to the next ones. */
const sent: string[] = []
let answer: () => Response

const found = (packages: string[], more: Partial<SelectAnswer> = {}): SelectAnswer => ({
  components: [],
  mistakes: [],
  request: { goos: 'linux', goarch: 'amd64', packages },
  ...more,
})
const variable = { name: 'SOURCE', places: [{ line: 1, column: 8 }], given: false, decides: true }

let scope: EffectScope
const taken: string[][] = []
function open() {
  scope = effectScope()
  const target = ref({ goos: 'linux', goarch: 'amd64', variant: undefined, goVersion: undefined })
  return scope.run(() => usePipeline(target, (packages) => taken.push(packages)))!
}

/** Waits until the question was sent and answered. */
async function asked(): Promise<void> {
  await nextTick()
  await vi.advanceTimersByTimeAsync(400)
  for (let turns = 0; turns < 5; turns += 1) await new Promise((done) => setImmediate(done))
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  sent.length = 0
  taken.length = 0
  answer = () => Response.json(found(['a.b/c'], { variables: [variable] }))
  vi.stubGlobal('fetch', async (request: Request) => {
    sent.push(await request.text())
    return answer()
  })
})
afterEach(() => {
  scope.stop()
  const last = open()
  last.clear()
  scope.stop()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('a pasted pipeline', () => {
  it('is asked about as it is, and with values once there are some', async () => {
    const { text, setValue, variables } = open()
    text.value = 'input: ${SOURCE}'
    await asked()
    expect(variables.value).toEqual([variable])
    setValue('SOURCE', 'nats')
    setValue('OTHER', 'not named')
    await asked()
    expect(sent).toEqual(['input: ${SOURCE}', '{"pipeline":"input: ${SOURCE}","variables":{"SOURCE":"nats"}}'])
  })

  it('replaces the picks once for each text and each value', async () => {
    const first = open()
    first.text.value = 'input: ${SOURCE}'
    await asked()
    answer = () => Response.json(found(['a.b/nats']))
    first.setValue('SOURCE', 'nats')
    await asked()
    expect(taken).toEqual([['a.b/c'], ['a.b/nats']])
    // Opened again.
    scope.stop()
    open()
    await asked()
    expect(sent).toHaveLength(3)
    expect(taken).toHaveLength(2)
  })

  it('keeps its variables while a question is refused', async () => {
    const { text, setValue, variables, error, answer: current } = open()
    text.value = 'input: ${SOURCE}'
    await asked()
    answer = () => Response.json({ code: 'too_many', detail: 'x' }, { status: 400 })
    setValue('SOURCE', 'nats')
    await asked()
    expect([error.value?.status, current.value]).toEqual([400, undefined])
    expect(variables.value).toEqual([variable])
    text.value = ''
    await asked()
    expect(variables.value).toEqual([])
  })

  it('is forgotten with its values', async () => {
    const { text, setValue, clear } = open()
    text.value = 'input: ${SOURCE}'
    setValue('SOURCE', 'hunter2')
    clear()
    text.value = 'input: ${SOURCE}'
    await asked()
    expect(sent).toEqual(['input: ${SOURCE}'])
  })
})
