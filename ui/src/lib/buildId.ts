/** `build.<goos>.<goarch>.<go, "_" for ".">.<hash>` */
export interface BuildId {
  goos: string
  goarch: string
  go: string
  hash: string
}

const PATTERN = /^build\.([a-z]+)\.([a-z0-9]+)\.(1_[0-9]+_[0-9]+)\.([0-9a-f]{64})$/

export const isBuildId = (text: string): boolean => PATTERN.test(text)

/** The parts of an id that the server gave. */
export function parseBuildId(id: string): BuildId {
  const match = PATTERN.exec(id)
  if (!match) return { goos: '', goarch: '', go: '', hash: id }
  const [, goos = '', goarch = '', go = '', hash = ''] = match
  return { goos, goarch, go: go.replaceAll('_', '.'), hash }
}

/** The path of a build's binary. */
export function artifactPath(id: string): string {
  const { goos, goarch, go, hash } = parseBuildId(id)
  return `/artifacts/${goos}/${goarch}/${go}/${hash}`
}

/** Enough of the hash to tell builds apart by eye. */
export const shortHash = (id: string): string => parseBuildId(id).hash.slice(0, 12)
