/**
 * Which images the rows of a run's features are, and what labels the run was made with, without reading any image:
 *
 *     features/images.json     paths in the order of the rows, class names, and the labels that were known
 *
 * `handful prepare` writes it. A run of `handful fit` says the same in its predictions.csv and its classifier, and writes it where
 * labels say how their images were shown.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { Dataset } from '../data/dataset.js'
import type { ImageSet } from '../data/image-set.js'
import { HandfulError, systemCode, systemError } from '../errors.js'
import { parseCsv } from '../files/csv.js'
import { damageInWords } from '../files/damage.js'
import { loadClassifier } from './classifier.js'
import { RUN_FILES } from './run-files.js'
import type { RunFolder } from './run-folder.js'

const FILE = 'features/images.json'

const imagesSchema = z.object({
  version: z.literal(1),
  name: z.string(),
  paths: z.array(z.string()),
  classNames: z.array(z.string()),
  /** -1 where unknown. */
  labels: z.array(z.int().min(-1)),
  /** Paths of images that were drawn at random and labelled blind, of no class where they have none. */
  blind: z.array(z.string()).optional(),
  /** Paths of images whose label was accepted with others for being sure. */
  accepted: z.array(z.string()).optional(),
})

export type RunImages = Omit<z.infer<typeof imagesSchema>, 'version'>

type LabelledPaths = Pick<ImageSet, 'name' | 'paths' | 'classNames' | 'labels'>

export async function writeRunImages(
  run: Pick<RunFolder, 'makeFolder' | 'writeJson'>,
  { train, blind, accepted }: Pick<Dataset, 'blind' | 'accepted'> & { readonly train: LabelledPaths },
): Promise<void> {
  const { name, paths, classNames, labels } = train
  const shown = { blind: blind && [...blind], accepted: accepted && [...accepted] }
  await run.makeFolder(path.dirname(FILE))
  await run.writeJson(FILE, { version: 1, name, paths, classNames, labels: [...labels], ...shown })
}

/** @throws HandfulError where the run says it nowhere yet, or its files are damaged */
export async function readRunImages(folder: string): Promise<RunImages> {
  const file = path.join(folder, FILE)
  try {
    return imagesSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return ofPredictions(folder)
    if (systemCode(error) !== undefined) throw systemError('reading a run', file, error)
    throw new HandfulError({
      what: 'images of the run',
      where: file,
      got: damageInWords(error),
      expected: 'the JSON that was written there',
      hint: 'delete it and go on with the run',
    })
  }
}

async function ofPredictions(folder: string): Promise<RunImages> {
  const file = path.join(folder, RUN_FILES.predictions)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw systemError('reading a run', file, error)
    throw new HandfulError({
      what: 'run folder',
      where: folder,
      got: 'a run whose features are not made yet',
      expected: 'a run of handful fit or handful prepare that has come to its end',
      hint: `go on with it by --resume ${folder}`,
    })
  })
  const { classNames } = await loadClassifier(folder)
  const [{ fields: header }, ...rows] = parseCsv(text, file)
  const [name, label, split] = ['file_name', 'label', 'split'].map((column) => header.indexOf(column))
  const own = rows.filter(({ fields }) => fields[split] === 'train')
  return {
    name: path.basename(path.resolve(folder)),
    paths: own.map(({ fields }) => fields[name]),
    classNames: [...classNames],
    labels: own.map(({ fields }) => classNames.indexOf(fields[label])),
  }
}
