/**
 * A lock file: two processes never write to one folder. It names its holder, so that a lock left behind by a process
 * that was killed is noticed and taken over.
 */
import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { HandfulError, systemCode, systemError } from '../errors.js'
import { contentKey } from './content-key.js'

const LOCK_FILE = '.lock'
/** What systems say that have no hard links. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'ENOSYS']
/** Between two looks at a lock that another process holds. */
const LOOK_AGAIN_MS = 5

const holderSchema = z.object({
  pid: z.number().int().positive(),
  host: z.string(),
  /** When the process began, in the system's own count; empty where the system doesn't tell. */
  began: z.string(),
  token: z.string(),
  claim: z.string().optional(),
})

type Holder = z.infer<typeof holderSchema>

export interface Lock {
  release(): Promise<void>
  /** @throws HandfulError where another process has taken it over */
  check(): Promise<void>
}

export interface LockOptions {
  /** Of several things in one folder that are locked each for itself. */
  readonly name?: string
  /** How long to wait for a living process that holds it. Default 0. */
  readonly patienceMs?: number
  /**
   * What is given out to one process at a time by somebody else, who saw the one before it end or fall silent: a lock of the
   * same claim is taken over, whatever has become of the process that holds it.
   */
  readonly claim?: string
}

/**
 * Takes the lock of a folder that exists.
 * @throws HandfulError if a living process holds it for longer than one waits, or the folder can't be written
 */
export async function acquireLock(
  folder: string,
  { name = LOCK_FILE, patienceMs = 0, claim }: LockOptions = {},
): Promise<Lock> {
  const file = path.join(folder, name)
  const latest = performance.now() + patienceMs
  for (;;) {
    const taken = await tryLock(folder, file, claim)
    if (!(taken instanceof HandfulError)) return taken
    if (performance.now() >= latest) throw taken
    await setTimeout(LOOK_AGAIN_MS * (1 + Math.random()))
  }
}

/** The living process of this machine that holds a folder's lock, if one does. */
export async function lockHolder(folder: string): Promise<number | undefined> {
  const holder = await readHolder(path.join(folder, LOCK_FILE))
  if (holder === undefined || holder === 'gone' || holder.host !== hostname()) return undefined
  return (await isAlive(holder)) ? holder.pid : undefined
}

/** @returns the lock, or who holds it */
async function tryLock(
  folder: string,
  file: string,
  claim: string | undefined,
): Promise<Lock | HandfulError> {
  const mine: Holder = {
    pid: process.pid,
    host: hostname(),
    began: await processStart(process.pid),
    token: randomUUID(),
    claim,
  }
  const contents = `${JSON.stringify(mine)}\n`
  const lock: Lock = {
    release: () => release(file, mine.token),
    check: () => expectHeld(folder, file, mine.token),
  }
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      await createWhole(file, contents, mine.token)
      return lock
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw systemError('writing to the run folder', folder, error)
    }
    const found = await readText(file)
    // It was given back meanwhile: what may be there by now is somebody else's.
    if (found === undefined) continue
    const holder = holderIn(found)
    const passedOn = claim !== undefined && holder?.claim === claim
    if (holder !== undefined && !passedOn && (await isAlive(holder))) return heldBy(folder, file, holder)
    if (await takeOver(file, found, contents, mine.token)) return lock
  }
  const holder = await readHolder(file)
  return heldBy(folder, file, holder === 'gone' ? undefined : holder)
}

function heldBy(folder: string, file: string, holder: Holder | undefined): HandfulError {
  const here = holder?.host === hostname()
  const who =
    holder === undefined ? 'another process' : `process ${holder.pid}${here ? '' : ` on ${holder.host}`}`
  return new HandfulError({
    what: 'run folder',
    where: folder,
    got: `in use by ${who}`,
    expected: 'one process at a time',
    hint: here ? 'wait for it to end, or stop it' : `if it no longer runs, delete ${file}`,
  })
}

async function release(file: string, token: string): Promise<void> {
  const holder = await readHolder(file)
  if (holder !== 'gone' && holder?.token === token) await rm(file, { force: true })
}

async function expectHeld(folder: string, file: string, token: string): Promise<void> {
  const holder = await readHolder(file)
  if (holder !== 'gone' && holder?.token === token) return
  throw new HandfulError({
    what: 'run folder',
    where: folder,
    got: 'taken over by another process',
    expected: 'one process at a time',
    hint: 'that one goes on with it',
  })
}

/** Creates a file that has its contents from the first moment on; EEXIST if the name is taken. */
async function createWhole(file: string, contents: string, token: string): Promise<void> {
  const temporary = `${file}-${token}`
  await writeFile(temporary, contents)
  try {
    await link(temporary, file)
  } catch (error) {
    // FAT and some network file systems have no hard links.
    if (!NO_LINKS.includes(systemCode(error) ?? '')) throw error
    await writeFile(file, contents, { flag: 'wx' })
  } finally {
    await rm(temporary, { force: true })
  }
}

/** After so long a process that was taking a lock over has itself ended, most likely. */
const TAKING_OVER_MS = 10_000

/**
 * Puts a lock in the place of a dead process's, whose place is never empty. Who takes over a lock of these contents has another
 * name for it, which one process at a time can give; what it names is looked at again then, since it may be the new lock of a
 * process that was faster.
 * @returns whether it did; if not, things have changed meanwhile
 */
async function takeOver(file: string, dead: string, contents: string, token: string): Promise<boolean> {
  const mark = `${file}-over-${contentKey(dead)}`
  try {
    await link(file, mark)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') return false
    if (code === 'EEXIST') {
      const since = await stat(mark).catch(() => undefined)
      if (since !== undefined && Date.now() - since.ctimeMs > TAKING_OVER_MS) await rm(mark, { force: true })
      return false
    }
    // FAT and some network file systems have no hard links.
    if (!NO_LINKS.includes(code ?? '')) throw systemError('taking over a lock', file, error)
    await rm(file, { force: true })
    return false
  }
  const temporary = `${file}-${token}`
  try {
    if ((await readText(mark)) !== dead) return false
    await writeFile(temporary, contents)
    await rename(temporary, file)
    return true
  } catch (error) {
    await rm(temporary, { force: true })
    throw systemError('taking over a lock', file, error)
  } finally {
    await rm(mark, { force: true })
  }
}

/** Undefined where there is no file; nothing of one that can't be read. */
const readText = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch((error: unknown) => (systemCode(error) === 'ENOENT' ? undefined : ''))

/** Undefined where it says nothing that can be understood. */
function holderIn(text: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Undefined where the file says nothing that can be understood. */
async function readHolder(file: string): Promise<Holder | 'gone' | undefined> {
  const text = await readText(file)
  return text === undefined ? 'gone' : holderIn(text)
}

async function isAlive(holder: Holder): Promise<boolean> {
  // Another machine's processes can't be seen from here, so its lock is believed.
  if (holder.host !== hostname()) return true
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
  // Process numbers are used again, after a restart even the same one for the same program.
  return (await processStart(holder.pid)) === holder.began
}

/** Field 22 of /proc/<pid>/stat, the start in clock ticks since boot; the second field may hold spaces. */
async function processStart(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
