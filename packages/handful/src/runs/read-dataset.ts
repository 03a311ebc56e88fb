/** Reads the images that a job asks for: progress goes to the user, and so does what had to be left out. */
import { z } from 'zod'
import type { Dataset } from '../data/dataset.js'
import { checkDatasetSpec, type DatasetSpec, DEFAULT_SIZE, openDataset } from '../data/open.js'
import { HandfulError, printable } from '../errors.js'
import { locateImages } from './image-record.js'
import type { DescribedModel } from './trained-model.js'
import { imageFields } from './run-options.js'
import { type JobContext, type PlannedStage, READING, reportFound } from '../training/progress.js'

export { READING } from '../training/progress.js'

const sourceFields = z.object({ ...imageFields, seed: z.int().min(0).default(0) })

/** Which images, as every job that opens some is told. */
export type Source = z.output<typeof sourceFields>

const sourceSchema = sourceFields.refine(
  ({ folder, dataset }) => folder !== undefined || dataset !== undefined,
)

/** How a folder is understood and its images become pixels, as options of jobs say it. */
export type ImageChoice = Partial<
  Pick<Source, 'channels' | 'stretch' | 'frames' | 'fileColumn' | 'labelColumn' | 'splits'>
>

/** How a folder or a table is understood, whatever its images are for. */
export type CollectionChoice = Pick<ImageChoice, 'fileColumn' | 'labelColumn' | 'splits'>

/** The same as data are opened by it. */
export const choiceOf = (choice: ImageChoice) => {
  const { channels: bands, stretch, frames, fileColumn, labelColumn, splits } = choice
  return { bands, stretch, frames, fileColumn, labelColumn, splits }
}

/** What to open, as a job's options say it. */
export function specOf({
  folder,
  dataset,
  dataDir,
  size,
  fit,
  seed,
  count,
  memory,
  ...choice
}: Source): DatasetSpec {
  const chosen = { seed, count, ...choiceOf(choice) }
  return folder === undefined
    ? { dataset, dataDir, size, ...chosen }
    : { folder, size: size ?? DEFAULT_SIZE, fit, memory, ...chosen }
}

/** @throws HandfulError (wrong use) for options that do not suit the data set they are for, before any file is looked at */
export function checkSource(options: object): void {
  const { data } = sourceFields.strip().safeParse(options)
  if (data !== undefined) checkDatasetSpec(specOf(data))
}

/**
 * The images that a run was trained on, brought to its model's size.
 * @param what they are for, as an error says it
 * @param dataDir where a known data set lies now; where it lay then if left out
 * @throws HandfulError where the run does not say
 */
export async function sourceOfRun(
  { run, options, model }: Pick<DescribedModel, 'run' | 'options' | 'model'>,
  what: string,
  dataDir: string | undefined,
): Promise<Source> {
  const { data } = sourceSchema.safeParse(options)
  if (data === undefined) {
    throw new HandfulError({
      what,
      where: printable(run),
      got: 'a run that does not say which images it was trained on',
      expected: 'one of handful pretrain or handful fit',
    })
  }
  const own =
    data.folder === undefined
      ? {}
      : {
          size: model.image.size,
          folder: await locateImages(run, data.folder, 'put them back where they were'),
        }
  return { ...data, ...own, dataDir: dataDir ?? data.dataDir }
}

interface ReadingContext extends JobContext {
  /** Told how many images there are once that is known, before they are read. */
  readonly onCounted?: (images: number) => void
}

/** How long reading takes says how many images there are and how large, not how fast the machine is. */
export const READING_STAGE: PlannedStage = { stage: READING, expectedSeconds: undefined }

/**
 * @param labels whether a folder has to have some; `required` unless said otherwise
 * @throws HandfulError as openDataset
 */
export async function readDataset(
  source: Source,
  { signal, progress, onCounted }: ReadingContext,
  labels?: 'optional',
): Promise<Dataset> {
  let counted = 0
  const found = await openDataset(
    { ...specOf(source), labels },
    {
      signal,
      onFound: reportFound(progress),
      onProgress: (done, total, activity, skipped) => {
        const files = activity === 'downloading'
        if (!files && total !== counted) onCounted?.((counted = total))
        progress.report({ stage: READING, done, total, unit: files ? 'files' : 'images', skipped })
      },
    },
  )
  const { skipped, understood, notes } = found
  if (understood !== undefined) progress.aside(`${printable(found.name)}: ${understood}`)
  if (skipped.length > 0) {
    const [{ path, reason }] = skipped
    progress.message(`${skipped.length} files skipped, such as ${printable(path)}: ${printable(reason)}`)
  }
  for (const note of notes) progress.message(note)
  return found
}
