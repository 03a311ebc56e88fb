/** Connections to the queue's Redis: made once, and made again for as long as it takes once they were there. */
import { Redis } from 'ioredis'
import { HandfulError, printable } from '../errors.js'
import type { QueueAddress } from './address.js'

/** How long the first connection may take. */
const PATIENCE_MS = 10_000
const MOST_BETWEEN_TRIES_MS = 2000

export interface ConnectionWatch {
  /** Told once when it is lost, and once when it is back. */
  readonly onLost: () => void
  readonly onBack: () => void
}

export interface Connection {
  readonly redis: Redis
  close(): void
}

/** @throws HandfulError where nobody answers, or does not let in */
export async function openConnection(address: QueueAddress, watch?: ConnectionWatch): Promise<Connection> {
  const { host, port, username, password, database, tls, shown } = address
  let everReady = false
  let reason = ''
  const redis = new Redis({
    ...{ host, port, username, password, db: database },
    ...(tls ? { tls: {} } : {}),
    // BullMQ's own condition: commands wait for the connection to be back.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (everReady ? Math.min(100 * times, MOST_BETWEEN_TRIES_MS) : null),
  })
  let lost = false
  let closed = false
  redis.on('error', (error: Error) => (reason = 'code' in error ? String(error.code) : error.message))
  redis.on('close', () => {
    if (!everReady || lost || closed) return
    lost = true
    watch?.onLost()
  })
  try {
    await withinPatience(redis)
  } catch (error) {
    redis.disconnect()
    const refused = /WRONGPASS|NOAUTH|NOPERM|invalid password|invalid username/i.test(
      `${reason} ${String(error)}`,
    )
    throw new HandfulError({
      what: 'queue',
      where: shown,
      got: refused ? 'a refused login' : `no answer (${printable(reason === '' ? 'in time' : reason)})`,
      expected: refused ? "the server's user and password" : 'a Redis server',
      hint: refused
        ? 'give them as redis://user:password@host, or the password in HANDFUL_QUEUE_PASSWORD'
        : 'start redis-server there, or check host, port and TLS (rediss://)',
    })
  }
  everReady = true
  redis.on('ready', () => {
    if (!lost) return
    lost = false
    watch?.onBack()
  })
  return {
    redis,
    close() {
      closed = true
      redis.disconnect()
    },
  }
}

async function withinPatience(redis: Redis): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('in time')), PATIENCE_MS)
  })
  try {
    await Promise.race([redis.ping(), late])
  } finally {
    clearTimeout(timer)
  }
}
