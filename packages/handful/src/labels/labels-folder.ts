/** Where the labels of a run lie. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { systemCode, systemError } from '../errors.js'

/** In a run whose labels lie in another folder: that folder, from the run's own. Runs of the same images share labels so. */
export const LABELS_AT_FILE = 'labels.at'

/** Where the labels of a run lie: in its own folder unless `labels.at` names another. */
export async function labelsFolder(run: string): Promise<string> {
  const file = path.join(run, LABELS_AT_FILE)
  try {
    return path.resolve(run, (await readFile(file, 'utf8')).trim())
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return run
    throw systemError('reading labels', file, error)
  }
}
