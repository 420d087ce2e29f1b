/** The commands that do in a terminal what the page does. Nothing in them needs a comment, which some shells don't take. */
import type { RequestBody } from '@/api/types'

import { artifactPath, parseBuildId, shortHash } from './buildId'

/** Where `wombat` looks for a server that isn't named. */
const DEFAULT_SERVER = 'http://127.0.0.1:4430'

/** A word of a POSIX shell that means exactly this text. */
export const quote = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

export const binaryName = (goos: string): string => (goos === 'windows' ? 'wombat.exe' : 'wombat')

/** The name that the server gives to a download of a browser. */
export function downloadName(id: string): string {
  const { goos, goarch } = parseBuildId(id)
  return `wombat-${shortHash(id)}-${goos}-${goarch}${goos === 'windows' ? '.exe' : ''}`
}

/** What makes a downloaded file start, if anything has to. */
export function startHint(goos: string, file = `./${binaryName(goos)}`): string[] {
  switch (goos) {
    case 'windows':
      return []
    case 'darwin':
      return [`chmod +x ${quote(file)}`, `xattr -d com.apple.quarantine ${quote(file)}`]
    default:
      return [`chmod +x ${quote(file)}`]
  }
}

const lines = (...parts: string[]): string => parts.join('\n')

export function curlRequest(origin: string, request: RequestBody): string {
  return `curl -sS -H 'Prefer: wait=60' -d ${quote(JSON.stringify(request))} ${quote(`${origin}/api/builds`)}`
}

export function curlDownload(origin: string, id: string): string {
  const { goos } = parseBuildId(id)
  const file = binaryName(goos)
  return lines(`curl -fsS -o ${file} ${quote(origin + artifactPath(id))}`, ...startHint(goos))
}

export function natsRequest(request: RequestBody): string {
  return `nats req build.request ${quote(JSON.stringify(request))}`
}

export function natsDownload(id: string): string {
  const { goos } = parseBuildId(id)
  return lines(`nats object get artifacts ${quote(id)} --output ${binaryName(goos)}`, ...startHint(goos))
}

/** Asks, waits and downloads. */
export function wombatBuild(origin: string, request: RequestBody): string {
  const words = ['wombat', 'build', '--platform', `${request.goos}/${request.goarch}`]
  const add = (flag: string, value: string | undefined): void => {
    if (value) words.push(flag, quote(value))
  }
  add('--variant', request.variant)
  add('--go', request.goVersion)
  add('--base', request.base)
  for (const [module, version] of Object.entries(request.modules ?? {})) add('--module', `${module}=${version}`)
  words.push(...[...(request.packages ?? []), ...(request.components ?? [])].map(quote))
  add('--output', `./${binaryName(request.goos)}`)
  if (origin !== DEFAULT_SERVER) add('--server', origin)
  return lines(words.join(' '), ...startHint(request.goos))
}

/** Checks a downloaded file against the digest that the page shows. */
export function verifyCommand(goos: string, sha256: string): string {
  const file = binaryName(goos)
  switch (goos) {
    case 'windows':
      return `certutil -hashfile ${file} SHA256`
    case 'darwin':
    case 'freebsd':
      return `echo '${sha256}  ${file}' | shasum -a 256 -c`
    default:
      return `echo '${sha256}  ${file}' | sha256sum -c`
  }
}
