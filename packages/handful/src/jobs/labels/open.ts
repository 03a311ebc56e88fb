/** The journal of a run with the names of its images, without its features. */
import path from 'node:path'
import { FileNames } from '../../data/file-names.js'
import { HandfulError, quoted } from '../../errors.js'
import { closest } from '../../errors/suggest.js'
import type { Journal } from '../../labels/journal.js'
import { imageFolderOf } from '../../labelling/image-folder.js'
import { openRunJournal } from '../../labelling/run-journal.js'
import { readRunImages } from '../../runs/run-images.js'
import { CLASSIFYING_RUNS } from '../../names.js'
import { runOfCommand } from '../run-of-command.js'

export interface OpenedLabels {
  readonly journal: Journal
  readonly paths: readonly string[]
  readonly names: FileNames
  /** Undefined where the images are no files. */
  readonly imageFolder: string | undefined
}

/** @throws HandfulError where the folder is no run, or its images are not known yet */
export async function openLabels(folder: string): Promise<OpenedLabels> {
  const config = await runOfCommand(folder, CLASSIFYING_RUNS)
  const images = await readRunImages(folder)
  const imageFolder = await imageFolderOf(folder, config)
  const roots =
    imageFolder === undefined ? [] : [path.resolve(imageFolder), imageFolder, path.basename(imageFolder)]
  return {
    journal: await openRunJournal(folder, images),
    paths: images.paths,
    names: new FileNames(images.paths, { prefix: '', roots }),
    imageFolder,
  }
}

/** The image of a name as it was typed. @throws HandfulError for one that is of none, or of several */
export function imageNamed({ names, paths }: OpenedLabels, typed: string): string {
  const found = names.find(typed)
  if (found.kind === 'one') return found.path
  const near = closest(typed, paths.slice(0, 20_000))
  throw new HandfulError({
    what: 'image',
    got:
      found.kind === 'none'
        ? quoted(typed)
        : `${quoted(typed)}, which ${found.paths.length} images are called`,
    expected: 'the path of an image of the run',
    hint: near === undefined ? 'see predictions.csv for the paths' : `did you mean ${near}?`,
    exitCode: 2,
  })
}
