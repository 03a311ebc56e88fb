/** The workbench of a run in a process of its own, as the server calls it. */
import { type ChildProcess, fork } from 'node:child_process'
import { builtProgram } from '../files/built-program.js'
import { HandfulError } from '../errors.js'
import type { Call, CallName, FittedForPage, Reply, WorkbenchCalls } from './workbench-messages.js'

export interface WorkbenchListeners {
  /** A better map than the one that was asked for is there. */
  readonly onMap: () => void
  /** The accuracy at a further noise level is known. */
  readonly onNoise: () => void
  /** A refit is judged by all labels now. */
  readonly onFitted: (fitted: FittedForPage) => void
  /** It ended without being asked to. */
  readonly onEnd: (reason: string) => void
}

interface Pending {
  readonly resolve: (answer: WorkbenchCalls[CallName]['answer']) => void
  readonly reject: (error: Error) => void
}

const processFile = (): string =>
  builtProgram(import.meta.url, 'studio', 'workbench-process.js', 'workbench (studio)')

export class WorkbenchClient {
  readonly #child: ChildProcess
  readonly #listeners: WorkbenchListeners
  readonly #pending = new Map<number, Pending>()
  /** Positions of the run's images in the catalogue and back, -1 where they are not. */
  #toCatalogue: Int32Array = new Int32Array(0)
  #toRun: Int32Array = new Int32Array(0)
  #nextId = 0
  #ended = false

  private constructor(listeners: WorkbenchListeners) {
    this.#listeners = listeners
    this.#child = fork(processFile(), {
      execArgv: [],
      serialization: 'advanced',
      // The address is the last line on stdout, whatever a library prints there.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.on('message', (message) => this.#take(message as Reply))
    this.#child.on('error', (error) => this.#fail(error.message))
    this.#child.on('exit', (code, by) => this.#fail(`its process ended with ${by ?? `code ${code ?? '?'}`}`))
  }

  /**
   * @param asked the run, and the threads that its engine gets
   * @param catalogue the paths that the page shows, sorted
   * @throws HandfulError where the run's features are not made
   */
  static async open(
    asked: WorkbenchCalls['open']['asked'],
    catalogue: readonly string[],
    listeners: WorkbenchListeners,
  ): Promise<WorkbenchClient> {
    const client = new WorkbenchClient(listeners)
    try {
      const { paths } = await client.#call('open', asked)
      const places = new Map(paths.map((path, place) => [path, place]))
      client.#toRun = Int32Array.from(catalogue, (path) => places.get(path) ?? -1)
      client.#toCatalogue = new Int32Array(paths.length).fill(-1)
      client.#toRun.forEach((place, image) => {
        if (place >= 0) client.#toCatalogue[place] = image
      })
      return client
    } catch (error) {
      client.close()
      throw error
    }
  }

  /** Of each image of the catalogue its place in the run, -1 where it has none. */
  get places(): Int32Array {
    return this.#toRun
  }

  /** Of each image of the run its place in the catalogue, -1 where it has none. */
  get images(): Int32Array {
    return this.#toCatalogue
  }

  refit(): Promise<WorkbenchCalls['refit']['answer']> {
    return this.#call('refit', {})
  }

  async suggest({
    except,
    ...asked
  }: WorkbenchCalls['suggest']['asked']): Promise<WorkbenchCalls['suggest']['answer']> {
    const without = except.map((image) => this.#toRun[image] ?? -1).filter((place) => place >= 0)
    const found = await this.#call('suggest', { ...asked, except: without })
    return this.#known(found)
  }

  /** None for an image that the run does not have. */
  async neighbours(image: number, count: number): Promise<WorkbenchCalls['neighbours']['answer']> {
    const place = this.#toRun[image] ?? -1
    return place < 0 ? [] : this.#known(await this.#call('neighbours', { image: place, count }))
  }

  /** For the images of the catalogue; those that the run does not have lie in the corner, in a cluster of their own (-1). */
  async map(): Promise<WorkbenchCalls['map']['answer']> {
    const { positions, clusters, typical } = await this.#call('map', {})
    const places = this.#toRun
    return {
      positions: Array.from({ length: 2 * places.length }, (_, i) =>
        places[i >> 1] < 0 ? -1 : positions[2 * places[i >> 1] + (i & 1)],
      ),
      clusters: Array.from(places, (place) => (place < 0 ? -1 : clusters[place])),
      typical: typical.map((place) => this.#toCatalogue[place]),
    }
  }

  /** Of images of the catalogue; those that the run does not have are left out. */
  noise(images: readonly number[]): Promise<WorkbenchCalls['noise']['answer']> {
    const places = images.map((image) => this.#toRun[image] ?? -1).filter((place) => place >= 0)
    return this.#call('noise', { images: places })
  }

  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#child.kill('SIGKILL')
    // Whoever asked just before another run is shown, or before the studio ends, is told; nothing went wrong.
    this.#reject(
      new HandfulError({
        what: 'workbench',
        got: 'its end',
        expected: 'to be asked before it',
        hint: 'ask again',
      }),
    )
  }

  #known<T extends { readonly image: number }>(found: readonly T[]): T[] {
    return found
      .map((each) => ({ ...each, image: this.#toCatalogue[each.image] }))
      .filter(({ image }) => image >= 0)
  }

  #call<N extends CallName>(
    name: N,
    asked: WorkbenchCalls[N]['asked'],
  ): Promise<WorkbenchCalls[N]['answer']> {
    return new Promise((resolve, reject) => {
      if (this.#ended) throw new Error('workbench (studio): got a call, expected none after its end')
      const id = this.#nextId++
      this.#pending.set(id, { resolve, reject })
      const call = { id, name, asked } as Call
      this.#child.send(call, (error) => {
        if (error !== null) this.#settle(id, (each) => each.reject(error))
      })
    })
  }

  #take(reply: Reply): void {
    if ('told' in reply) {
      if (reply.told === 'map') this.#listeners.onMap()
      else if (reply.told === 'noise') this.#listeners.onNoise()
      else this.#listeners.onFitted(reply.fitted)
      return
    }
    this.#settle(reply.id, ({ resolve, reject }) => {
      if ('error' in reply) reject(reply.foreseen ? asTold(reply.error) : new Error(reply.error))
      else resolve(reply.answer)
    })
  }

  #settle(id: number, how: (pending: Pending) => void): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (pending !== undefined) how(pending)
  }

  #fail(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#reject(new Error(`workbench (studio): ${reason}`))
    this.#listeners.onEnd(reason)
  }

  #reject(reason: Error): void {
    const lost = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of lost) reject(reason)
  }
}

/** What another process has put into one line stays one. */
const asTold = (message: string): HandfulError => new HandfulError({ what: message })
