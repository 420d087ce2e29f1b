import { secondsOf } from '@/lib/pace'

import type { Problem, ProblemDocument } from './types'

/** Why a call gave no answer that can be used. `status` 0: the server wasn't reached at all. */
export class ApiError extends Error {
  override readonly name = 'ApiError'

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly problems: Problem[] = [],
    readonly requestId?: string,
    /** Seconds after which asking again may help. */
    readonly retryAfter?: number,
  ) {
    super(message)
  }

  /** Nothing is wrong with what was asked; asking again may help. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502
  }

  /** Neither the server nor what stands before it could be talked to. */
  get isUnreachable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 504
  }
}

const isProblemDocument = (body: unknown): body is ProblemDocument =>
  typeof body === 'object' && body !== null && 'code' in body && 'detail' in body

/** Reads the body of an answer that isn't 2xx; what isn't a problem document is told by its status. */
export function errorOf(status: number, text: string, retryAfter: string | null): ApiError {
  const seconds = secondsOf(retryAfter)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    body = undefined
  }
  if (isProblemDocument(body)) {
    return new ApiError(status, body.code, body.detail, body.problems ?? [], body.requestId, seconds)
  }
  const message = status >= 500 ? `The server answered ${status}, without saying why.` : `The server refused this (${status}).`
  return new ApiError(status, status >= 500 ? 'unavailable' : 'refused', message, [], undefined, seconds)
}

export const unreachable = (): ApiError => new ApiError(0, 'unreachable', "Couldn't reach the server.")

/** Whatever was thrown, as something that can be shown. */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown
  return new ApiError(-1, 'internal', thrown instanceof Error ? thrown.message : String(thrown))
}
