import { execFileSync } from 'node:child_process'

import { describe, expect, it } from 'vitest'

import {
  actionsStep,
  actionsStepOf,
  curlDownload,
  curlOneLine,
  curlRequest,
  dockerfile,
  dockerfileOf,
  downloadName,
  natsDownload,
  natsRequest,
  quote,
  startHint,
  verifyCommand,
  wombatBuild,
  wombatPipeline,
} from './commands'

const hash = 'ab'.repeat(32)
const id = (goos: string): string => `build.${goos}.arm64.1_26_8.${hash}`
const request = { goos: 'linux', goarch: 'amd64', goVersion: '1.26.8', packages: ['a.b/c'], components: ['input/kafka'], modules: { 'a.b': 'v1.0.0' } }

describe('quoted words', () => {
  it.each(["it's", '$(id)', 'a b', '`x`', '"', "''", '\\', 'a\nb', '', '*'])('mean %j to a shell', (text) => {
    expect(execFileSync('sh', ['-c', `printf %s ${quote(text)}`], { encoding: 'utf8' })).toBe(text)
  })

  it('stay bare where nothing has to be quoted', () => {
    expect(quote('github.com/a/b@v1.2.3')).toBe('github.com/a/b@v1.2.3')
  })
})

describe('commands', () => {
  it('contain the whole request', () => {
    const json = JSON.stringify(request)
    expect(curlRequest('https://w.example', request)).toBe(`curl -sS -H 'Prefer: wait=60' -d '${json}' https://w.example/api/builds`)
    expect(natsRequest(request)).toBe(`nats req build.request '${json}'`)
  })

  it('download, and make the file executable', () => {
    expect(curlDownload('http://h', { id: id('linux') })).toBe(
      `curl -fsS -o wombat http://h/artifacts/linux/arm64/1.26.8/${hash}\nchmod +x ./wombat`,
    )
    expect(natsDownload({ id: id('darwin') }).split('\n')).toEqual([
      `nats object get artifacts ${id('darwin')} --output wombat`,
      'chmod +x ./wombat',
      'xattr -d com.apple.quarantine ./wombat',
    ])
    expect(curlDownload('http://h', { id: id('windows') })).toBe(`curl -fsS -o wombat.exe http://h/artifacts/windows/arm64/1.26.8/${hash}`)
    expect(startHint('windows', './x.exe')).toEqual([])
  })

  it('name the server to wombat unless it is the default', () => {
    const expected =
      'wombat build --platform linux/amd64 --go 1.26.8 --module a.b=v1.0.0 a.b/c input/kafka --output ./wombat'
    expect(wombatBuild('http://127.0.0.1:4430', request)).toBe(`${expected}\nchmod +x ./wombat`)
    expect(wombatBuild('https://w.example', request)).toBe(`${expected} --server https://w.example\nchmod +x ./wombat`)
    expect(wombatPipeline('http://127.0.0.1:4430')).not.toContain('--server')
    expect(wombatPipeline('https://w.example')).toMatch(/ --env SOURCE=nats --server https:\/\/w\.example$/)
  })

  it('request, wait and download in one line unless a release was chosen', () => {
    expect(curlOneLine('http://h', request)).toBeUndefined()
    const plain = { goos: 'linux', goarch: 'arm64', components: ['nats', 'input/kafka'] }
    const url = 'http://h/dl/linux/arm64?components=nats,input/kafka'
    expect(curlOneLine('http://h', plain)).toBe(`curl -fsSL -o wombat '${url}'\nchmod +x ./wombat`)
    expect(dockerfile('http://h', plain)).toContain(`ADD --chmod=755 ${url} /usr/local/bin/wombat`)
    expect(dockerfile('http://h', { ...plain, goos: 'windows' })).toBeUndefined()
    expect(actionsStep('http://h', plain)?.split('\n')[2]).toBe(`    curl -fsSL -o wombat '${url}'`)
  })

  it('give a workflow exactly the binary that was built', () => {
    const sha256 = 'cd'.repeat(32)
    const start = '- name: Get the binary for the pipeline'
    expect(actionsStepOf('http://h', { id: id('linux') }, sha256).split('\n')).toEqual([
      start,
      '  run: |',
      `    curl -fsS -o wombat http://h/artifacts/linux/arm64/1.26.8/${hash}`,
      `    echo '${sha256}  wombat' | sha256sum -c`,
      '    chmod +x ./wombat',
    ])
    expect(actionsStepOf('http://h', { id: id('darwin') }, sha256)).toContain('| shasum -a 256 -c\n')
    expect(actionsStepOf('http://h', { id: id('windows') }, sha256).split('\n')).toEqual([
      start,
      '  shell: bash',
      '  run: |',
      `    curl -fsS -o wombat.exe http://h/artifacts/windows/arm64/1.26.8/${hash}`,
      `    echo '${sha256}  wombat.exe' | sha256sum -c`,
    ])
  })

  it('know the name of a browser’s download', () => {
    expect(downloadName({ id: id('linux') })).toBe('wombat-abababababab-linux-arm64')
    expect(downloadName({ id: id('windows') })).toBe('wombat-abababababab-windows-arm64.exe')
  })

  it('verify with the tool that the system has', () => {
    expect(verifyCommand('linux', hash)).toBe(`echo '${hash}  wombat' | sha256sum -c`)
    expect(verifyCommand('darwin', hash)).toContain('shasum -a 256 -c')
    expect(verifyCommand('windows', hash)).toBe('certutil -hashfile wombat.exe SHA256')
  })
})

describe('commands of a distribution with an own name and version', () => {
  const own = { name: 'acme-connect', version: '1.4.0+7' }
  const named = { goos: 'linux', goarch: 'arm64', components: ['nats'], ...own }
  const of = (goos: string) => ({ id: id(goos), ...own })

  it('request both', () => {
    expect(curlRequest('http://h', named)).toContain('"name":"acme-connect","version":"1.4.0+7"')
    expect(natsRequest(named)).toContain('"name":"acme-connect","version":"1.4.0+7"')
    expect(wombatBuild('http://127.0.0.1:4430', named)).toBe(
      'wombat build --platform linux/arm64 --name acme-connect --version-label 1.4.0+7 nats --output ./acme-connect\nchmod +x ./acme-connect',
    )
    expect(wombatBuild('http://127.0.0.1:4430', { ...named, version: '-1' })).toContain(' --version-label=-1 ')
    const url = 'http://h/dl/linux/arm64?components=nats&name=acme-connect&version=1.4.0%2B7'
    expect(curlOneLine('http://h', named)).toBe(`curl -fsSL -o acme-connect '${url}'\nchmod +x ./acme-connect`)
    expect(new URL(url).searchParams.get('version')).toBe('1.4.0+7')
    expect(dockerfile('http://h', named)?.split('\n').slice(1)).toEqual([
      `ADD --chmod=755 ${url} /usr/local/bin/acme-connect`,
      'COPY pipeline.yaml /pipeline.yaml',
      'USER nobody',
      'ENTRYPOINT ["acme-connect", "run", "/pipeline.yaml"]',
    ])
  })

  it('write and check a file of that name', () => {
    const sha256 = 'cd'.repeat(32)
    expect(curlDownload('http://h', of('windows'))).toContain('-o acme-connect.exe http')
    expect(natsDownload(of('linux'))).toBe(`nats object get artifacts ${id('linux')} --output acme-connect\nchmod +x ./acme-connect`)
    expect(actionsStepOf('http://h', of('linux'), sha256)).toContain(`echo '${sha256}  acme-connect' | sha256sum -c\n    chmod +x ./acme-connect`)
    expect(dockerfileOf('http://h', of('linux'), sha256)).toContain(' /usr/local/bin/acme-connect\n')
    expect(verifyCommand('linux', sha256, own.name)).toBe(`echo '${sha256}  acme-connect' | sha256sum -c`)
  })

  it('know the name of a browser’s download', () => {
    expect(downloadName(of('windows'))).toBe('acme-connect-1.4.0+7-windows-arm64.exe')
    expect(downloadName({ id: id('linux'), name: 'acme-connect' })).toBe('acme-connect-abababababab-linux-arm64')
    expect(downloadName({ id: id('linux'), version: '1.4.0' })).toBe('wombat-1.4.0-linux-arm64')
  })
})
