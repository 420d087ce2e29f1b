/** Calls that may need the operator's token: asked for when the server wants one, kept as long as the page lives. */
import { readonly, ref } from 'vue'

import { setToken } from '@/api/client'
import { ApiError } from '@/api/error'

const asked = ref(false)
const rejected = ref(false)
let answer: ((token: string | undefined) => void) | undefined

export const isTokenAsked = readonly(asked)
/** The last one that was given wasn't taken. */
export const wasTokenRejected = readonly(rejected)

export function giveToken(token: string | undefined): void {
  asked.value = false
  answer?.(token)
  answer = undefined
}

function askForToken(): Promise<string | undefined> {
  asked.value = true
  return new Promise((resolve) => (answer = resolve))
}

/** Runs a call, asks for a token as often as the server refuses for want of one; `undefined` if the person gave up. */
export function useTokenGate() {
  return async function gate<T>(call: () => Promise<T>): Promise<T | undefined> {
    rejected.value = false
    for (;;) {
      try {
        return await call()
      } catch (thrown) {
        if (!(thrown instanceof ApiError) || thrown.status !== 401) throw thrown
      }
      const token = await askForToken()
      if (!token) return undefined
      setToken(token)
      rejected.value = true
    }
  }
}
