/** Calls that may need an operator's token: the page prompts for it after a 401, and forgets it when it is closed. */
import { readonly, ref } from 'vue'

import { setToken } from '@/api/client'
import { ApiError } from '@/api/error'

const asked = ref(false)
const rejected = ref(false)
let answer: ((token: string | undefined) => void) | undefined
/** The open prompt, shared by all calls that wait for a token. */
let prompt: Promise<string | undefined> | undefined

export const isTokenAsked = readonly(asked)
/** The server rejected the last token. */
export const wasTokenRejected = readonly(rejected)

export function giveToken(token: string | undefined): void {
  asked.value = false
  answer?.(token)
  answer = undefined
  prompt = undefined
}

function askForToken(): Promise<string | undefined> {
  asked.value = true
  prompt ??= new Promise((resolve) => (answer = resolve))
  return prompt
}

/** Runs a call, and prompts for a token after each 401; `undefined` if the user closes the prompt. */
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
