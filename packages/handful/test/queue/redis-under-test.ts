/** A Redis of Debian's `redis-server` on a free port; tests that need one say that they skip where there is none. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { parseAddress, type QueueAddress } from '../../src/queue/address.js'

const program = process.env.REDIS_SERVER ?? 'redis-server'

export const hasRedis = spawnSync(program, ['--version']).status === 0
export const REDIS_NEEDED = hasRedis ? '' : ' (skipped: there is no redis-server here)'

export interface RedisUnderTest {
  readonly url: string
  readonly address: QueueAddress
  /** Ends it as a crash does, and starts it again on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** @param more options of the server; without any it keeps nothing */
export async function startRedis(folder: string, more: readonly string[] = []): Promise<RedisUnderTest> {
  const port = await freePort()
  const start = async (): Promise<ChildProcess> => {
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...more]
    const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    for await (const text of child.stdout) {
      said += String(text)
      if (said.includes('Ready to accept connections')) break
    }
    return child
  }
  const stop = async (child: ChildProcess): Promise<void> => {
    if (child.exitCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  let child = await start()
  const url = `redis://127.0.0.1:${port}`
  return {
    url,
    address: parseAddress(url, {}),
    async restart() {
      // What was acknowledged a second ago is on the disk, where it is to be kept.
      if (more.includes('--appendonly')) await setTimeout(1100)
      await stop(child)
      await setTimeout(300)
      child = await start()
    },
    stop: () => stop(child),
  }
}

/** How a network fails: connections break and no new ones come about, or nothing arrives any more and nobody is told. */
export type Cut = 'broken' | 'silent'

export interface Wire {
  readonly redis: RedisUnderTest
  cut(how: Cut): void
  mend(): void
  end(): Promise<void>
}

/** A way to Redis that can be cut: a process that is given its address alone loses the network, others do not. */
export async function wireTo(redis: RedisUnderTest): Promise<Wire> {
  const ends = new Set<Socket>()
  let state: Cut | 'whole' = 'whole'
  const kept = (socket: Socket): Socket => {
    ends.add(socket)
    return socket.on('error', () => undefined).on('close', () => ends.delete(socket))
  }
  const server = createServer((near) => {
    kept(near)
    if (state === 'broken') return void near.destroy()
    const far = kept(connect(Number(new URL(redis.url).port), '127.0.0.1'))
    near.pipe(far)
    far.pipe(near)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
    if (state === 'silent') for (const end of [near, far]) end.pause()
  }).listen(await freePort(), '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `redis://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  return {
    redis: { ...redis, url, address: parseAddress(url, {}) },
    cut(how) {
      state = how
      for (const end of ends) {
        if (how === 'broken') end.destroy()
        else end.pause()
      }
    },
    mend() {
      state = 'whole'
      for (const end of ends) end.resume()
    },
    async end() {
      for (const end of ends) end.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
