/** Terminal commands for what the page does. They contain no comments, which some shells don't accept. */
import type { RequestBody } from '@/api/types'

import { artifactPath, parseBuildId, shortHash } from './buildId'
import type { Distribution } from './distribution'

/** The server that `wombat` uses by default. */
const DEFAULT_SERVER = 'http://127.0.0.1:4430'

/** Quotes a text for a POSIX shell. */
export const quote = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** A build, as far as its commands need it. */
export type NamedBuild = Distribution & { id: string }

/** What a distribution's program is called; its own name needs no quotes in a shell. */
const programName = (name: string | undefined): string => name ?? 'wombat'
const ending = (goos: string): string => (goos === 'windows' ? '.exe' : '')

export const binaryName = (goos: string, name?: string): string => programName(name) + ending(goos)

/** The file name that the server sets for a browser's download. */
export function downloadName({ id, name, version }: NamedBuild): string {
  const { goos, goarch } = parseBuildId(id)
  return `${programName(name)}-${version ?? shortHash(id)}-${goos}-${goarch}${ending(goos)}`
}

/** Commands that make a downloaded file executable, if it needs any. */
export function startHint(goos: string, file: string): string[] {
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

export function curlDownload(origin: string, { id, name }: NamedBuild): string {
  const { goos } = parseBuildId(id)
  const file = binaryName(goos, name)
  return lines(`curl -fsS -o ${file} ${quote(origin + artifactPath(id))}`, ...startHint(goos, `./${file}`))
}

/** The tools that commands are shown for, in the order of the tabs. */
export const commandTabs = ['curl', 'nats', 'wombat', 'docker', 'actions'] as const
export type CommandTab = (typeof commandTabs)[number]
export const isCommandTab = (text: unknown): text is CommandTab => commandTabs.some((tab) => tab === text)

/** A value in a query, where `+` would mean a space. */
const escaped = (value: string): string => encodeURI(value).replaceAll('+', '%2B')

/** An address that requests a build, waits and redirects to the binary; it can't name releases of modules. */
export function oneLineUrl(origin: string, request: RequestBody): string | undefined {
  if (Object.keys(request.modules ?? {}).length > 0) return undefined
  const parts = [
    ['components', (request.components ?? []).join(',')],
    ['packages', (request.packages ?? []).join(',')],
    ['goVersion', request.goVersion],
    ['variant', request.variant],
    ['base', request.base],
    ['name', request.name],
    ['version', request.version],
  ].flatMap(([name, value]) => (value ? [`${name ?? ''}=${escaped(value)}`] : []))
  return `${origin}/dl/${request.goos}/${request.goarch}?${parts.join('&')}`
}

/** Requests a build, waits and downloads the binary. */
export function curlOneLine(origin: string, request: RequestBody): string | undefined {
  const url = oneLineUrl(origin, request)
  const file = binaryName(request.goos, request.name)
  return url && lines(`curl -fsSL -o ${file} ${quote(url)}`, ...startHint(request.goos, `./${file}`))
}

const imageOf = (add: string, program: string): string =>
  lines(
    'FROM alpine:3',
    `ADD --chmod=755 ${add} /usr/local/bin/${program}`,
    'COPY pipeline.yaml /pipeline.yaml',
    'USER nobody',
    `ENTRYPOINT ["${program}", "run", "/pipeline.yaml"]`,
  )

/** An image with the binary and a pipeline. */
export function dockerfile(origin: string, request: RequestBody): string | undefined {
  const url = oneLineUrl(origin, request)
  if (!url || request.goos !== 'linux') return undefined
  return imageOf(url, programName(request.name))
}

/** An image with exactly this binary, which Docker checks, and a pipeline. */
export function dockerfileOf(origin: string, { id, name }: NamedBuild, sha256: string): string | undefined {
  if (parseBuildId(id).goos !== 'linux') return undefined
  return imageOf(`--checksum=sha256:${sha256} ${origin}${artifactPath(id)}`, programName(name))
}

/** A step of a GitHub workflow. */
export function actionsStep(origin: string, request: RequestBody): string | undefined {
  const command = curlOneLine(origin, request)
  return command && lines('- name: Get the binary for the pipeline', '  run: |', ...command.split('\n').map((line) => `    ${line}`))
}

/** A step that downloads exactly this binary and checks it, on a runner of its platform. */
export function actionsStepOf(origin: string, { id, name }: NamedBuild, sha256: string): string {
  const { goos } = parseBuildId(id)
  const file = binaryName(goos, name)
  // Windows runners have a POSIX shell with its tools as well; macOS has no sha256sum.
  const check = `echo '${sha256}  ${file}' | ${goos === 'darwin' || goos === 'freebsd' ? 'shasum -a 256' : 'sha256sum'} -c`
  const commands = [`curl -fsS -o ${file} ${quote(origin + artifactPath(id))}`, check, ...(goos === 'windows' ? [] : [`chmod +x ./${file}`])]
  return lines(
    '- name: Get the binary for the pipeline',
    ...(goos === 'windows' ? ['  shell: bash'] : []),
    '  run: |',
    ...commands.map((line) => `    ${line}`),
  )
}

export function natsRequest(request: RequestBody): string {
  return `nats req build.request ${quote(JSON.stringify(request))}`
}

export function natsDownload({ id, name }: NamedBuild): string {
  const { goos } = parseBuildId(id)
  const file = binaryName(goos, name)
  return lines(`nats object get artifacts ${quote(id)} --output ${file}`, ...startHint(goos, `./${file}`))
}

const serverWords = (origin: string): string[] => (origin === DEFAULT_SERVER ? [] : ['--server', quote(origin)])

/** Builds what a pipeline needs, with a value for one of its variables. */
export const wombatPipeline = (origin: string): string => ['wombat build --config pipeline.yaml --env SOURCE=nats', ...serverWords(origin)].join(' ')

/** Requests a build, waits and downloads the binary. */
export function wombatBuild(origin: string, request: RequestBody): string {
  const words = ['wombat', 'build', '--platform', `${request.goos}/${request.goarch}`]
  const add = (flag: string, value: string | undefined): void => {
    // Alone, a value such as `-1` would be taken for a flag.
    if (value) words.push(...(value.startsWith('-') ? [`${flag}=${quote(value)}`] : [flag, quote(value)]))
  }
  add('--variant', request.variant)
  add('--go', request.goVersion)
  add('--base', request.base)
  add('--name', request.name)
  add('--version-label', request.version)
  for (const [module, version] of Object.entries(request.modules ?? {})) add('--module', `${module}=${version}`)
  words.push(...[...(request.packages ?? []), ...(request.components ?? [])].map(quote))
  const file = `./${binaryName(request.goos, request.name)}`
  add('--output', file)
  words.push(...serverWords(origin))
  return lines(words.join(' '), ...startHint(request.goos, file))
}

/** Checks a downloaded file against the digest that the page shows. */
export function verifyCommand(goos: string, sha256: string, name?: string): string {
  const file = binaryName(goos, name)
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
