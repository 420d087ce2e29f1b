/** Parses a typed list of packages: separated by lines, blanks or commas, with comments behind `#` or `//`. */
import { whyNotImportPath } from './importPath'
import { moduleOf, splitReference } from './packages'

export interface ListLine {
  line: number
  reference: string
  /** What is wrong with it. */
  problem: string | undefined
}

/** The service knows versions only for the modules of its catalog. */
function lacksVersion(reference: string, modules: readonly string[] | undefined): string | undefined {
  const { path, version } = splitReference(reference)
  if (version !== undefined || modules === undefined || moduleOf(path, modules) !== undefined) return undefined
  return `The catalog doesn’t have its module, so add a version, such as ${path}@v1.2.3.`
}

/** `modules`: those of the catalog, once it is fetched. */
export function readPackageList(text: string, modules?: readonly string[]): ListLine[] {
  const seen = new Set<string>()
  return text.split('\n').flatMap((written, index) => {
    const bare = written.replace(/(^|\s)(#|\/\/).*$/, '')
    // An import as it stands in Go source, or a list item of YAML.
    const references = bare.split(/[\s,]+/).map((word) => word.replaceAll(/^[-_."'`]+|["'`]+$/g, ''))
    return references
      .filter((reference) => reference !== '' && reference !== 'import' && reference !== '(' && reference !== ')')
      .map((reference) => {
        const problem = whyNotImportPath(reference) ?? lacksVersion(reference, modules) ?? (seen.has(reference) ? 'It is already in the list.' : undefined)
        seen.add(reference)
        return { line: index + 1, reference, problem }
      })
  })
}
