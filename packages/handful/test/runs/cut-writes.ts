/**
 * A process that is killed between any two changes of the disk, or in the middle of one, played in this process: from a chosen
 * change on nothing reaches the disk any more, tidying up included, and the file that was being written has half of its bytes.
 */
import type * as promises from 'node:fs/promises'

type Files = typeof promises

/** Of which changes are counted, and after how many it ends; Infinity for never. */
export const cut = { after: Infinity, done: 0, counts: (_path: string): boolean => true }

export class Killed extends Error {
  constructor() {
    super('killed')
  }
}

/** @returns whether this change still happens */
function happens(path: string): boolean {
  if (!cut.counts(path)) return cut.done < cut.after
  return cut.done++ < cut.after
}

const CHANGES = ['rename', 'rm', 'link', 'mkdir', 'appendFile', 'truncate', 'symlink', 'unlink'] as const

/** For `vi.mock('node:fs/promises', ...)`. */
export function cuttable(actual: Files): Files {
  const wrapped: Record<string, unknown> = { ...actual }
  for (const name of CHANGES) {
    const change = actual[name] as (...given: unknown[]) => Promise<unknown>
    wrapped[name] = async (...given: unknown[]) => {
      // Of a rename the place that it leads to.
      if (!happens(String(name === 'rename' || name === 'link' ? given[1] : given[0]))) throw new Killed()
      return change(...given)
    }
  }
  wrapped.open = async (path: string, flags?: string, mode?: number) => {
    if (flags !== undefined && flags !== 'r' && !happens(path)) throw new Killed()
    const file = await actual.open(path, flags, mode)
    const write = file.writeFile.bind(file)
    file.writeFile = async (content) => {
      if (happens(path)) return write(content)
      const bytes = Buffer.from(content as Uint8Array)
      await write(bytes.subarray(0, bytes.length >> 1))
      throw new Killed()
    }
    return file
  }
  return wrapped as Files
}
