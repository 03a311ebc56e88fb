/** From a path to what is opened: the images, the folder of their runs, and where their labels lie. */
import { readdir, realpath } from 'node:fs/promises'
import path from 'node:path'
import { HandfulError, printable } from '../errors.js'
import { writeFileAtomic } from '../files/atomic.js'
import { isOwnFolder } from '../files/run-marker.js'
import { LABELS_AT_FILE, labelsFolder } from '../labels/journal.js'
import { locateImages } from '../runs/image-record.js'
import { readRunConfig } from '../runs/run-files.js'
import { type FoundRun, hasLabels } from './run-list.js'
import { imagesOfHome } from './studio-home.js'

export interface Where {
  /** A folder of images, an archive or a table. */
  readonly images: string
  /** Full path of the folder that its runs lie in. */
  readonly runs: string
  /** The name of the run that was opened. */
  readonly run?: string
}

/**
 * @param runs where runs go unless one is opened
 * @throws HandfulError for a run whose images are gone or are none of a folder
 */
export async function whereIs(place: string, runs: string): Promise<Where> {
  const full = await realpath(place).catch(() => path.resolve(place))
  const names = await readdir(full).catch(() => [])
  if (!isOwnFolder(names)) return { images: full, runs: path.resolve(runs) }
  const images = await imagesOfHome(full)
  if (images !== undefined) return { images, runs: path.dirname(full) }
  const { folder, command = 'fit' } = await readRunConfig(full)
  if (typeof folder !== 'string' || (command !== 'fit' && command !== 'prepare')) {
    throw new HandfulError({
      what: 'run',
      where: printable(place),
      got: typeof folder === 'string' ? `one of the kind ${String(command)}` : 'one of a known data set',
      expected: 'a run that classifies images of your own',
      hint: 'open a folder of images instead',
    })
  }
  const located = await locateImages(full, folder, 'put them back, or open their folder')
  return { images: await realpath(located), runs: path.dirname(full), run: path.basename(full) }
}

/** Where the labels of these images lie: where the opened run has them, else the studio's own folder, else the first run's. */
export async function labelsOf(
  { run, runs }: Where,
  home: string,
  found: readonly FoundRun[],
): Promise<string> {
  if (run !== undefined) {
    const folder = path.join(runs, run)
    const at = await labelsFolder(folder)
    if (at !== folder || (await hasLabels(folder))) return at
  }
  if (await hasLabels(home)) return home
  for (const { name } of found) {
    const folder = path.join(runs, name)
    if (await hasLabels(folder)) return folder
  }
  return home
}

/**
 * Lets a run share the labels that lie elsewhere.
 * @throws HandfulError where it has labels of its own
 */
export async function shareLabels(run: string, labels: string): Promise<void> {
  const own = await labelsFolder(run)
  if (path.resolve(own) === path.resolve(labels)) return
  if (await hasLabels(own)) {
    throw new HandfulError({
      what: 'run',
      where: printable(path.basename(run)),
      got: 'one with labels of its own',
      expected: 'one that shares the labels of this folder',
      hint: `open it by its path to go on with its own: ${printable(run)}`,
    })
  }
  await writeFileAtomic(path.join(run, LABELS_AT_FILE), `${path.relative(run, labels)}\n`)
}
