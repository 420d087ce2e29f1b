// A TCP proxy to the service that can be cut and restored like a cable.

import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface Proxy {
  url: string
  cut: () => void
  restore: () => void
  stop: () => void
}

/** Passes everything on to `url` until it is cut. */
export async function proxy(url: string): Promise<Proxy> {
  const target = new URL(url)
  const open = new Set<Socket>()
  let isCut = false
  const keep = (socket: Socket): void => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
  }
  const drop = (): void => {
    for (const socket of open) socket.destroy()
  }
  const server = createServer((near) => {
    keep(near)
    if (isCut) {
      near.destroy()
      return
    }
    const far = connect(Number(target.port), target.hostname)
    keep(far)
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true
      drop()
    },
    restore: () => {
      isCut = false
    },
    stop: () => {
      server.close()
      drop()
    },
  }
}
