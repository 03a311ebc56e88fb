/** The studio's server on the loopback address, from its start to its end in good order. */
import { spawn } from 'node:child_process'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve as listen } from '@hono/node-server'
import { HandfulError, systemCode, systemError } from '../errors.js'
import { Desk, type DeskOptions } from './desk.js'
import { newToken } from './guard.js'
import { builtPage, PageFiles } from './page-files.js'
import { routes } from './routes.js'

const LOOPBACK = '127.0.0.1'

export interface StudioOptions extends DeskOptions {
  /** What is opened at the start. */
  readonly place?: string
  /** 0 for any that is free. */
  readonly port: number
  /** Of the page's files; the built ones unless said otherwise. */
  readonly page?: string
}

export interface RunningStudio {
  /** With the token: whoever has it is let in. */
  readonly address: string
  readonly port: number
  /** Resolves when what trains is saved and all is ended. */
  close(): Promise<void>
}

/** @throws HandfulError where the port is taken or the page is not built */
export async function startStudio({
  place,
  port,
  page = builtPage(),
  ...options
}: StudioOptions): Promise<RunningStudio> {
  const files = await PageFiles.open(page)
  const desk = new Desk(options)
  const token = newToken()
  let actual = port
  const app = routes({ studio: desk, page: files, token, port: () => actual })
  const server = await new Promise<Server>((resolve, reject) => {
    const listening = listen({ fetch: app.fetch, hostname: LOOPBACK, port }, (address: AddressInfo) => {
      actual = address.port
      // The server that hono makes without options of another kind is one of HTTP/1.
      resolve(listening as Server)
    })
    listening.once('error', (error: Error) => reject(portError(port, error)))
  })
  if (place !== undefined) void desk.openFirst(place)
  return {
    address: `http://${LOOPBACK}:${actual}/?token=${token}`,
    port: actual,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await desk.close()
      await closed
    },
  }
}

function portError(port: number, error: Error): Error {
  if (systemCode(error) !== 'EADDRINUSE') return systemError('opening the port', String(port), error)
  return new HandfulError({
    what: '--port',
    got: `${port}, which another program has`,
    expected: 'a free one',
    hint: 'leave it away to have one found',
    cause: error,
  })
}

/** Shows an address in the person's browser; where there is none, the printed one is opened by hand. */
export function openBrowser(address: string): void {
  const [command, ...words] =
    process.platform === 'darwin'
      ? ['open', address]
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler', address]
        : ['xdg-open', address]
  const child = spawn(command, words, { stdio: 'ignore', detached: true })
  child.once('error', () => {})
  child.unref()
}
