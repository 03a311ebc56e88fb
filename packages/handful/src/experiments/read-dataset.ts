/** Reads the images that a job asks for: progress goes to the user, and so does what had to be left out. */
import type { Dataset } from '../data/image-set.js'
import { openDataset } from '../data/open.js'
import type { FitOptions, JobContext } from './fit-options.js'

/** As progress names it. */
export const READING = 'read the images'

/** Which images, as every job that opens some is told. */
export type Source = Pick<FitOptions, 'folder' | 'dataset' | 'dataDir' | 'size' | 'fit' | 'seed'>

/**
 * @param labels whether a folder has to have some; `required` unless said otherwise
 * @throws HandfulError as openDataset
 */
export async function readDataset(
  { folder, dataset, dataDir, size, fit, seed }: Source,
  { signal, progress }: JobContext,
  labels?: 'optional',
): Promise<Dataset> {
  const found = await openDataset(
    folder === undefined ? { dataset, dataDir, size, seed } : { folder, size, fit, seed, labels },
    {
      signal,
      onProgress: (done, total) => progress.report({ stage: READING, done, total, unit: 'images' }),
    },
  )
  const { skipped, notes } = found
  if (skipped.length > 0) {
    progress.message(`${skipped.length} files skipped, such as ${skipped[0].path}: ${skipped[0].reason}`)
  }
  for (const note of notes) progress.message(note)
  return found
}
