import { expect, test } from 'vitest'

import { ApiError } from '@/api/error'

import { giveToken, isTokenAsked, useTokenGate } from './token'

test('two calls that need a token share one prompt', async () => {
  const gate = useTokenGate()
  let hasToken = false
  const call = (name: string) => async (): Promise<string> => {
    await Promise.resolve()
    if (!hasToken) throw new ApiError(401, 'token_missing', 'A token is missing.')
    return name
  }
  const both = Promise.all([gate(call('one')), gate(call('two'))])
  await expect.poll(() => isTokenAsked.value).toBe(true)
  // Both calls have been refused by the time that the microtasks are done.
  await new Promise((resolve) => setTimeout(resolve))
  hasToken = true
  giveToken('secret')
  await expect(both).resolves.toEqual(['one', 'two'])
  expect(isTokenAsked.value).toBe(false)
})
