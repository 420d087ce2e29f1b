import { expect, it } from 'vitest'

import { pause, secondsOf } from './pace'
import { isFinished, isOpen } from './status'

it('a build can be requested while it has no binary and isn’t running', () => {
  expect([undefined, 'cancelled' as const].map((status) => isOpen(status, false))).toEqual([true, true])
  expect((['new', 'building', 'success', 'failed'] as const).map((status) => isOpen(status, false))).toEqual([false, false, false, false])
  expect(isOpen('success', true)).toBe(true)
  expect(isFinished('building')).toBe(false)
})

it('polls when the server says so', () => {
  expect([secondsOf('7'), secondsOf(null), secondsOf('Wed, 21 Oct 2026 07:28:00 GMT')]).toEqual([7, undefined, undefined])
  expect([pause(7), pause(undefined), pause(undefined, 5), pause(0), pause(1e9)]).toEqual([7000, 2000, 5000, 1000, 60_000])
})
