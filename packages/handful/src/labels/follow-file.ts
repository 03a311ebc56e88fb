/** Follows what others append to a file. */
import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'

/** Where the system does not tell of changes, as on some network disks, the file's size is looked at. */
const LOOK_EVERY_MS = 400

/**
 * Tells when a file of a folder, which need not be there yet, may have changed; never keeps the process alive.
 * @param known bytes of it that are read already: where it has as many nothing is told
 * @returns what ends it
 */
export function followFile(
  folder: string,
  name: string,
  { changed, known }: { readonly changed: () => void; readonly known: () => number },
): () => void {
  let ended = false
  const tell = (): void => {
    if (!ended) changed()
  }
  const watcher = openWatch(folder, name, tell)
  const timer = setInterval(() => {
    stat(path.join(folder, name)).then(
      ({ size }) => {
        if (size !== known()) tell()
      },
      () => {},
    )
  }, LOOK_EVERY_MS)
  timer.unref()
  return () => {
    ended = true
    watcher?.close()
    clearInterval(timer)
  }
}

/** Undefined where the system has no watch left to give: looking at the size does. */
function openWatch(folder: string, name: string, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, (_, changedName) => {
      if (changedName === name) changed()
    })
    watcher.on('error', () => watcher.close())
    watcher.unref()
    return watcher
  } catch {
    return undefined
  }
}
