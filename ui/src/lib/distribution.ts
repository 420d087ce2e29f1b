/** An own name and version of a distribution, by the rules of the service, which checks them again. */

export interface Distribution {
  name?: string | undefined
  version?: string | undefined
}

/** Longest name, and longest version. */
const MOST = 64

export function whyNotName(text: string): string | undefined {
  if (!/^[\w.-]*$/.test(text)) return 'A name contains only lower-case letters, digits and - _ .'
  if (/[A-Z]/.test(text)) return 'A name has no capital letters.'
  if (!/^[a-z]/.test(text)) return 'A name begins with a letter.'
  if (text.length > MOST) return `A name has at most ${MOST} characters.`
  return undefined
}

export function whyNotVersion(text: string): string | undefined {
  if (!/^[\w.+-]+$/.test(text)) return 'A version contains only letters, digits and . - + _'
  if (text.length > MOST) return `A version has at most ${MOST} characters.`
  return undefined
}

/** What is wrong with a typed name and version; an empty one is left out. */
export function flawsOf({ name, version }: Distribution): Distribution {
  return { name: name ? whyNotName(name) : undefined, version: version ? whyNotVersion(version) : undefined }
}

/** The name and version as far as the service accepts them. */
export function acceptable(own: Distribution): { name?: string; version?: string } {
  const flaws = flawsOf(own)
  return { ...(own.name && !flaws.name && { name: own.name }), ...(own.version && !flaws.version && { version: own.version }) }
}

/** `acme-connect 1.4.0`; `undefined` without an own name and version. */
export function labelOf({ name, version }: Distribution): string | undefined {
  if (!name) return version && `Version ${version}`
  return version ? `${name} ${version}` : name
}
