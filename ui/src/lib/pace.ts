/** The pauses of polling. */

const USUAL = 2
const LONGEST = 60

/** Milliseconds until the next poll: the server's `Retry-After`, or the usual pause; at least a second, at most a minute. */
export const pause = (retryAfter: number | undefined, usual = USUAL): number => 1000 * Math.min(LONGEST, Math.max(1, retryAfter ?? usual))

/** The seconds of a `Retry-After`; dates aren't parsed, as the service sends none. */
export const secondsOf = (header: string | null): number | undefined => (header !== null && /^\d+$/.test(header) ? Number(header) : undefined)
