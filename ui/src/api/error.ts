import { secondsOf } from '@/lib/pace'

import type { Problem, ProblemDocument } from './types'

/** A failed call. `status` 0: the server wasn't reached. */
export class ApiError extends Error {
  override readonly name = 'ApiError'

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly problems: Problem[] = [],
    readonly requestId?: string,
    /** Seconds after which a retry may succeed. */
    readonly retryAfter?: number,
  ) {
    super(message)
  }

  /** The failure is temporary: a retry may succeed. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502
  }

  /** The server wasn't reached, or a proxy before it didn't reach it. */
  get isUnreachable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 504
  }
}

const isProblemDocument = (body: unknown): body is ProblemDocument =>
  typeof body === 'object' && body !== null && 'code' in body && 'detail' in body

/** The error of an answer that isn't 2xx: from its problem document, or from its status alone. */
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
  const message = status >= 500 ? `The server answered ${status} without a reason.` : `The server refused the request (${status}).`
  return new ApiError(status, status >= 500 ? 'unavailable' : 'refused', message, [], undefined, seconds)
}

export const unreachable = (): ApiError => new ApiError(0, 'unreachable', "Couldn't reach the server.")

/** Any thrown value as an error that can be shown. */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown
  return new ApiError(-1, 'internal', thrown instanceof Error ? thrown.message : String(thrown))
}
