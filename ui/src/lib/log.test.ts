import { expect, it } from 'vitest'

import { firstError, linesWith, type LogLine } from './log'

const lines = ['go build …', 'github.com/a/b', '../b/b.go:12:5: undefined: x', 'too many errors'].map(
  (text, index): LogLine => ({ key: String(index), text, isNote: index === 0 }),
)

it('finds where the trouble begins', () => {
  expect(firstError(lines)?.text).toBe('../b/b.go:12:5: undefined: x')
  expect(firstError(lines.slice(0, 2))).toBeUndefined()
})

it('finds lines in any case', () => {
  expect(linesWith(lines, ' GITHUB ').map(({ text }) => text)).toEqual(['github.com/a/b'])
  expect(linesWith(lines, ' ')).toHaveLength(4)
})
