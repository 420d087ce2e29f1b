/** A variable, or a word. */
const WORD = /^(?:\$\{[0-9A-Za-z_.]+(?:[:|](?:\$\{[^}]*\}|[^}])*)?\}|[^\s:,{}[\]()]+)/

/** The range of the variable or the word at a line and a column, both from 1; a column is a character, not half of one. */
export function placeOf(text: string, line: number, column: number): { start: number; end: number } {
  const lines = text.split('\n')
  const before = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0)
  const within = [...(lines[line - 1] ?? '')].slice(0, column - 1).join('').length
  const start = Math.min(before + within, text.length)
  const word = WORD.exec(text.slice(start))?.[0] ?? ''
  return { start, end: start + Math.max(word.length, 1) }
}
