/** The range of the word at a line and a column, both from 1. */
export function placeOf(text: string, line: number, column: number): { start: number; end: number } {
  const lines = text.split('\n')
  const before = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0)
  const start = Math.min(before + column - 1, text.length)
  const word = /^[^\s:,{}[\]()]+/.exec(text.slice(start))?.[0] ?? ''
  return { start, end: start + Math.max(word.length, 1) }
}
