// A `wombat up` with real Go, and a browser, for one test file.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium, type Browser } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

interface Running {
  url: string
  stop: () => Promise<void>
}

/** Starts `wombat up` and waits for the URL that it prints. */
async function up(): Promise<Running> {
  const program = join(root, 'target/debug/wombat')
  if (!existsSync(program)) throw new Error('no target/debug/wombat: run `cargo build -p wombat`')
  const folder = mkdtempSync(join(tmpdir(), 'wombat-browser-'))
  const go = (name: string) => execFileSync('go', ['env', name], { encoding: 'utf8' }).trim()
  const child = spawn(program, ['up', '--http', '127.0.0.1:0', '--workers', '1', '--state-dir', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NATS_URL: undefined,
      WOMBAT_NATS_SERVER: process.env.WOMBAT_NATS_SERVER ?? join(root, 'target/tools/nats-server'),
      WOMBAT_MODULE_CACHE: go('GOMODCACHE'),
      WOMBAT_GO_CACHE: go('GOCACHE'),
    },
  })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const url = await new Promise<string>((found, failed) => {
    createInterface(child.stdout).once('line', found)
    child.once('exit', (code) => {
      failed(new Error(`wombat up ended with ${code}: ${log}`))
    })
  })
  return {
    url,
    stop: async () => {
      await ended(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    child.once('exit', () => {
      done()
    })
    if (child.exitCode !== null) done()
    child.kill('SIGTERM')
  })
}

/** A browser without background traffic. */
async function browser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** A running system and a browser, for all tests of the file that calls this. */
export class Site {
  #running?: Running
  #browser?: Browser

  constructor() {
    beforeAll(async () => {
      this.#running = await up()
      this.#browser = await browser()
    })
    afterAll(async () => {
      await this.#browser?.close()
      await this.#running?.stop()
    })
  }

  get url(): string {
    if (!this.#running) throw new Error('it starts before the tests')
    return this.#running.url
  }

  get browser(): Browser {
    if (!this.#browser) throw new Error('it starts before the tests')
    return this.#browser
  }
}
