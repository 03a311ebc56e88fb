/**
 * Where the queue is: `redis://host:6379`, `rediss://` with TLS, with user, password and number of the database as Redis
 * addresses have them. What logs in is never printed; `HANDFUL_QUEUE_PASSWORD` keeps it out of the list of processes.
 */
import { usageError } from '../errors.js'

export interface QueueAddress {
  /** Without what logs in, for messages. */
  readonly shown: string
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** Authorities of one's own are told to Node, by NODE_EXTRA_CA_CERTS. */
  readonly tls: boolean
}

const PORT = 6379

/** @throws HandfulError (wrong use) that says nothing of the password */
export function parseAddress(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): QueueAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const database = /^\/?(\d*)$/.exec(url?.pathname ?? '-')?.[1]
  if (
    url === undefined ||
    !['redis:', 'rediss:'].includes(url.protocol) ||
    url.hostname === '' ||
    database === undefined
  ) {
    throw usageError({
      what: '--queue',
      got: text.includes('@') ? 'an address that cannot be read' : text,
      expected: 'redis://host:6379, or rediss:// for TLS, with user:password@ and /database where need be',
      hint: 'characters such as @ and / of a password are written as %40 and %2F',
    })
  }
  const { protocol, hostname, port, username, password } = url
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const at = port === '' ? PORT : Number(port)
  const given = decoded(password) ?? environment.HANDFUL_QUEUE_PASSWORD
  return {
    shown: `${protocol}//${hostname}:${at}`,
    host,
    port: at,
    username: decoded(username),
    password: given === '' ? undefined : given,
    database: database === '' ? 0 : Number(database),
    tls: protocol === 'rediss:',
  }
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
