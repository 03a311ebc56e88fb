/**
 * The images of a study, so divided that nothing can leak: methods get `images` (training images without labels, names or
 * order), heads get the labels of a draw, and test labels stay inside the `TestSet`. Both splits are shuffled: where
 * classes lie one after the other, as in folders, an image's place would be its label.
 */
import type { Dataset } from '../data/dataset.js'
import { Random } from 'onnx-autodiff'
import { datasets } from '../data/registry.js'
import { countLabels, type Images, type ImageSet, originalsOf, selectImages } from '../data/image-set.js'
import { openDataset } from '../data/open.js'
import type { Originals } from '../data/originals.js'
import { DEFAULT_READING, type ImageReading } from '../data/reading.js'
import { numberedPaths, originalsOfTest, TestSet } from '../data/test-set.js'
import { HandfulError, printable } from '../errors.js'
import type { LabelCount } from './result.js'
import { READING, specOf } from '../runs/read-dataset.js'
import { labelDraws } from '../data/draw-labels.js'
import type { StudyOptions } from './study-options.js'
import { imagesKey, labelsKey, testKey } from '../data/content.js'
import type { JobContext } from '../training/progress.js'

export interface StudyData {
  readonly name: string
  readonly title: string
  readonly classNames: readonly string[]
  /** Training images as methods see them. */
  readonly images: Images
  /** `[images]` their labels, -1 where unknown. */
  readonly labels: Int32Array
  /** `[images]` where each stood in its files, for protocols that take the first ones; methods never see it. */
  readonly places: Uint32Array
  readonly test: TestSet
  /** Where both splits came from: for features made elsewhere alone, never for methods. */
  readonly origins: { readonly train: Originals; readonly test: Originals }
  readonly notes: readonly string[]
  /** How files became images. */
  readonly reading: ImageReading
  /** Of the training images, of their labels, and of the test split. */
  readonly keys: { readonly images: string; readonly labels: string; readonly test: string }
}

/** Opens and divides. @throws HandfulError as openDataset, and where there is nothing to score on */
export async function openStudyData(options: StudyOptions, context: JobContext): Promise<StudyData> {
  const { dataset, seed, count, testCount } = options
  const { signal, progress } = context
  const opened = await openDataset(
    {
      ...specOf({ ...options, count: undefined }),
      ...(options.folder === undefined ? { count, testCount } : {}),
    },
    { signal, onProgress: (done, total) => progress.report({ stage: READING, done, total, unit: 'images' }) },
  )
  const notes = [...(opened.understood === undefined ? [] : [opened.understood]), ...opened.notes]
  if (opened.skipped.length > 0) {
    const [{ path, reason }] = opened.skipped
    notes.push(`${opened.skipped.length} files skipped, such as ${printable(path)}: ${printable(reason)}`)
  }
  const { train, test } = withTest(opened, options, notes)
  const order = (split: string, length: number): Uint32Array =>
    new Random(seed, `study order/${split}`).permutation(length)
  const places = order('train', train.count)
  const set = selectImages(train, places)
  const images = unlabelled(set)
  const shuffled = test.reordered(order('test', test.count))
  return {
    name: opened.name,
    title: dataset === undefined ? opened.name : datasets[dataset].title,
    classNames: set.classNames,
    images,
    labels: set.labels,
    places,
    test: shuffled,
    origins: { train: originalsOf(set), test: originalsOfTest(shuffled) },
    notes,
    reading: opened.reading ?? DEFAULT_READING,
    keys: {
      images: imagesKey(images),
      labels: labelsKey(set.labels, set.classNames),
      test: testKey(shuffled, seed),
    },
  }
}

/** The images alone: names of files may hold the class. */
function unlabelled({ name, count, height, width, channels, pixels }: ImageSet): Images {
  return { name, count, height, width, channels, pixels, paths: numberedPaths('train', count) }
}

/** The data set's own test split, or a share of the labelled images held out. */
function withTest(
  { train, test, name }: Dataset,
  { testShare, seed }: StudyOptions,
  notes: string[],
): { train: ImageSet; test: TestSet } {
  if (test !== undefined) return { train, test }
  const held: number[] = []
  const counts = countLabels(train.labels, train.classNames.length)
  for (const [label, total] of counts.entries()) {
    const members = [...train.labels.keys()].filter((i) => train.labels[i] === label)
    const share = Math.floor(total * testShare)
    if (share < 1 || total - share < 1) {
      throw new HandfulError({
        what: 'test images',
        where: name,
        got: `no test split, and ${total} labelled images of class ${train.classNames[label]}`,
        expected: `a test folder, or enough labelled images to hold ${Math.round(testShare * 100)} % out`,
        hint: 'label more images, or put some into test/<class>/',
      })
    }
    new Random(seed, `held out for scoring/${label}`).shuffle(members)
    held.push(...members.slice(0, share))
  }
  const chosen = new Set(held)
  const kept = [...train.labels.keys()].filter((i) => !chosen.has(i))
  const out = selectImages(train, held)
  notes.push(
    `no test split: ${held.length} labelled images, ${Math.round(testShare * 100)} % of each class, are held out for scoring`,
  )
  const { height, width, channels, pixels, labels, classNames, paths } = out
  const scored = new TestSet({
    name: `${name} test`,
    height,
    width,
    channels,
    pixels,
    labels,
    classNames,
    fileNames: paths,
    originals: out.originals,
  })
  return { train: selectImages(train, kept), test: scored }
}

export interface LabelSizes {
  readonly counts: readonly LabelCount[]
  readonly notes: readonly string[]
}

/** The label counts that the smallest class allows, ascending, `all` last. */
export function labelSizes(
  asked: readonly LabelCount[],
  { labels, classNames }: Pick<StudyData, 'labels' | 'classNames'>,
): LabelSizes {
  const perClass = countLabels(labels, classNames.length)
  const fewest = Math.min(...perClass)
  const numbers = [...new Set(asked.filter((count) => count !== 'all'))].sort((a, b) => a - b)
  const kept = numbers.filter((count) => count <= fewest)
  const dropped = numbers.filter((count) => count > fewest)
  const all = asked.includes('all') || kept.length === 0
  const even = perClass.every((count) => count === fewest)
  // With classes of one size, `all` may be a number that stands there already.
  const counts: LabelCount[] = [...kept, ...(all && !(even && kept.includes(fewest)) ? ['all' as const] : [])]
  const notes =
    dropped.length === 0
      ? []
      : [
          `${dropped.join(', ')} labels per class are left out: the smallest class has ${fewest} labelled images`,
        ]
  return { counts, notes }
}

/** Labels of each draw, -1 where hidden: the same for all methods. All labels make one draw. */
export function studyDraws(
  { labels, classNames, name }: Pick<StudyData, 'labels' | 'classNames' | 'name'>,
  count: LabelCount,
  { draws, seed }: { readonly draws: number; readonly seed: number },
): Int32Array[] {
  const labelsPerClass = count === 'all' ? undefined : count
  return labelDraws(
    { labels: labels.slice(), classNames: [...classNames], name },
    { labelsPerClass, draws, seed },
  )
}
