/** A first check of a typed import path; the server checks it again. */

export function whyNotImportPath(text: string): string | undefined {
  const [path = '', version, ...rest] = text.split('@')
  if (rest.length > 0) return 'It contains more than one @.'
  if (path.length > 256) return 'A path has at most 256 characters.'
  if (/^[a-z]+:\/\//.test(path)) return 'Leave out the https:// – an import path begins with the host.'
  if (/[^\w.~+/-]/.test(path)) return 'A path contains only letters, digits and - . _ ~ + /.'
  if (!path.split('/')[0]?.includes('.')) return 'A path begins with a host, such as github.com/…'
  if (path.split('/').some((element) => element === '' || /^\.+$/.test(element))) return 'A part between two / is missing.'
  if (version !== undefined && !/^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+incompatible)?$/.test(version)) {
    return 'A version is exact, such as v1.2.3.'
  }
  return undefined
}
