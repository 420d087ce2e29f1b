/** A list of packages as people write it down: one or more a line, between blanks or commas, remarks behind `#` or `//`. */
import { whyNotImportPath } from './importPath'

export interface ListLine {
  line: number
  reference: string
  /** What is wrong with it. */
  problem: string | undefined
}

export function readPackageList(text: string): ListLine[] {
  const seen = new Set<string>()
  return text.split('\n').flatMap((written, index) => {
    const bare = written.replace(/(^|\s)(#|\/\/).*$/, '')
    // An import as it stands in Go source, or a list item of YAML.
    const references = bare.split(/[\s,]+/).map((word) => word.replaceAll(/^[-_."'`]+|["'`]+$/g, ''))
    return references
      .filter((reference) => reference !== '' && reference !== 'import' && reference !== '(' && reference !== ')')
      .map((reference) => {
        const problem = whyNotImportPath(reference) ?? (seen.has(reference) ? 'It stands in the list already.' : undefined)
        seen.add(reference)
        return { line: index + 1, reference, problem }
      })
  })
}
