/** How long to wait before looking again. */

const USUAL = 2
const LONGEST = 60

/** Milliseconds: as the server asked for, or a little while; a strange answer neither hurries nor stops anybody. */
export const pause = (retryAfter: number | undefined, usual = USUAL): number => 1000 * Math.min(LONGEST, Math.max(1, retryAfter ?? usual))

/** The seconds of a `Retry-After`; dates aren't understood, as the service sends none. */
export const secondsOf = (header: string | null): number | undefined => (header !== null && /^\d+$/.test(header) ? Number(header) : undefined)
