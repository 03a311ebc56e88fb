/**
 * A trained model of noise, level by level: images with noise by the model's own schedule, and how well its features of the
 * labelled images tell classes apart there, each label predicted from the others. `handful sweep` compares layers as well.
 */
import { Random } from 'onnx-autodiff'
import type { Images } from '../data/image-set.js'
import { openCollection } from '../data/open-collection.js'
import { readAgain } from '../data/read-again.js'
import { Stretch } from '../data/stretch.js'
import { HandfulError, printable } from '../errors.js'
import { besideEachOther, openExtractor } from '../features/extract.js'
import { normalisedSpace } from '../features/feature-space.js'
import { labelledRows, type RowProblem } from '../heads/head.js'
import { ridgeRegression } from '../heads/ridge.js'
import type { RunLabels } from '../labelling/labelled-images.js'
import { featureOutputs } from '../models/feature-request.js'
import type { Mixture } from '../models/model.js'
import { choiceOf, sourceOfRun } from '../runs/read-dataset.js'
import { loadTrainedModel, type TrainedModel } from '../runs/trained-model.js'
import { noisedPictures } from '../study/sections/sweep/noised-pictures.js'
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'

/** Of 1000. Closer together where there is little noise: classes are told apart there. */
const LEVELS = [0, 20, 50, 100, 150, 200, 300, 400, 500, 600, 700, 800, 900, 1000]
/** Labelled images that are judged, and further ones that features are normalised by; at most. */
const JUDGED = 240
const FURTHER = 160
/** Images read at once. */
const BLOCK = 64

export interface NoisedImages {
  readonly level: number
  /** 0 to 1; undefined as long as it is not found, or where no class has two labels. */
  readonly accuracy: number | undefined
  /** PNG, in the order that was asked for. */
  readonly pictures: readonly Uint8Array[]
}

export interface NoiseOptions {
  readonly threads: number
  readonly seed: number
  /** Told after each level that accuracy is found of. */
  readonly onAccuracy: () => void
}

export class NoiseLevels {
  readonly #run: TrainedModel
  readonly #noiseAt: (level: number) => Mixture
  readonly #options: NoiseOptions
  readonly #files: (paths: readonly string[]) => Promise<Images>
  /** Of the labels of a revision: a list of the levels that are done. */
  #judged: { readonly revision: number; readonly accuracies: Map<number, number> } | undefined
  #pictured: { readonly key: string; readonly pictures: readonly Buffer[][] } | undefined
  #turn: Promise<void> = Promise.resolve()

  private constructor(
    run: TrainedModel,
    noiseAt: (level: number) => Mixture,
    files: (paths: readonly string[]) => Promise<Images>,
    options: NoiseOptions,
  ) {
    this.#run = run
    this.#noiseAt = noiseAt
    this.#files = files
    this.#options = options
  }

  /** @throws HandfulError for a run whose model knows no noise, or whose images are gone */
  static async open(folder: string, options: NoiseOptions): Promise<NoiseLevels> {
    const trained = await loadTrainedModel(folder)
    const { noiseAt, name } = trained.model
    if (noiseAt === undefined) {
      throw new HandfulError({
        what: 'noise levels',
        where: printable(folder),
        got: `a run of the model ${name}`,
        expected: 'one of a model that learns images at every level of noise',
        hint: 'train diffusion or flow',
      })
    }
    return new NoiseLevels(trained, noiseAt, await filesOf(trained), options)
  }

  /**
   * @param paths of the images to show
   * @param labels of all images, by positions in `all`; what they say of the levels follows
   */
  async levels(
    paths: readonly string[],
    all: readonly string[],
    { revision, ...labels }: RunLabels & { readonly revision: number },
  ): Promise<NoisedImages[]> {
    if (this.#judged?.revision !== revision) {
      const judged = { revision, accuracies: new Map<number, number>() }
      this.#judged = judged
      this.#turn = this.#turn.then(() => this.#judge(judged, all, labels)).catch(() => {})
    }
    const { accuracies } = this.#judged
    const pictures = await this.#picturesOf(paths)
    return LEVELS.map((level, at) => ({ level, accuracy: accuracies.get(level), pictures: pictures[at] }))
  }

  /** `[levels][paths]`; asked for again with each accuracy that is found. */
  async #picturesOf(paths: readonly string[]): Promise<readonly Buffer[][]> {
    const key = paths.join('\0')
    if (this.#pictured?.key === key) return this.#pictured.pictures
    const shown = await this.#files(paths)
    const noised = await Promise.all(
      paths.map((_, i) =>
        noisedPictures((level) => this.#noiseAt(level), shown, i, LEVELS, this.#options.seed + i),
      ),
    )
    const bytes = (address: string): Buffer => Buffer.from(address.slice(address.indexOf(',') + 1), 'base64')
    const pictures = LEVELS.map((_, at) => noised.map((levels) => bytes(levels[at].image)))
    this.#pictured = { key, pictures }
    return pictures
  }

  /** Ends where labels have come meanwhile: those are judged instead. */
  async #judge(
    judged: { readonly accuracies: Map<number, number> },
    all: readonly string[],
    { images, targets, classes, accepted }: RunLabels,
  ): Promise<void> {
    const counts = new Int32Array(classes.length)
    for (const target of targets) counts[target]++
    if (classes.length < 2 || !counts.some((count) => count > 1)) return
    const { model, weights } = this.#run
    const { seed, threads, onAccuracy } = this.#options
    const order = new Random(seed, 'noise levels/labelled').permutation(images.length).slice(0, JUDGED)
    const labelled = new Set(images)
    const further = [...new Random(seed, 'noise levels/further').permutation(all.length)]
      .filter((image) => !labelled.has(image))
      .slice(0, FURTHER)
    const taken = await this.#files([...Array.from(order, (i) => images[i]), ...further].map((i) => all[i]))
    const labels = Int32Array.from({ length: taken.count }, (_, i) =>
      i < order.length ? targets[order[i]] : -1,
    )
    const linearAlgebra = onnxLinearAlgebra({ threads, device: 'cpu' })
    try {
      for (const noiseLevel of LEVELS) {
        if (this.#judged !== judged) return
        const request = { ...model.defaultFeatures, noiseLevels: undefined, noiseLevel }
        const outputs = featureOutputs(request)
        const extractor = await openExtractor(model.features(weights, request), outputs, { seed, threads })
        const found = await extractor.extract(taken, 0).finally(() => extractor.close())
        const blocks = outputs.map((name) => found[name].columns)
        const raw = { train: besideEachOther(outputs.map((name) => found[name])) }
        const { train: features } = await normalisedSpace(raw, { blocks }, { linearAlgebra })
        const random = new Random(seed, 'noise levels/ridge')
        const accuracy = await leftOut({
          features,
          labels,
          classCount: classes.length,
          accepted: new Set([...order.keys()].filter((i) => accepted[order[i]])),
          random,
          linearAlgebra,
        })
        if (accuracy === undefined) return
        judged.accuracies.set(noiseLevel, accuracy)
        onAccuracy()
      }
    } finally {
      await linearAlgebra.close()
    }
  }
}

/** Share of the labels that ridge regression on the others predicts; of single ones of a class, and accepted ones, none is told. */
async function leftOut(problem: RowProblem): Promise<number | undefined> {
  const { targets, classes, features, rows } = labelledRows(problem)
  const labels = targets.map((target) => classes[target])
  const accepted = new Set([...rows.keys()].filter((i) => problem.accepted?.has(rows[i])))
  const { leaveOneOut } = await ridgeRegression().fit({ ...problem, features, labels, accepted })
  if (leaveOneOut === undefined) return undefined
  let [right, judged] = [0, 0]
  labels.forEach((label, i) => {
    const row = leaveOneOut.data.subarray(i * leaveOneOut.columns, (i + 1) * leaveOneOut.columns)
    if (Number.isNaN(row[label])) return
    judged++
    if (row.every((probability, c) => c === label || !(probability >= row[label]))) right++
  })
  return judged === 0 ? undefined : right / judged
}

/** Reads images of the run as it was trained on them, in the order of the paths. */
async function filesOf(trained: TrainedModel): Promise<(paths: readonly string[]) => Promise<Images>> {
  const source = await sourceOfRun(trained, 'noise levels', undefined)
  const { model, fit, reading } = trained
  const { size, channels } = model.image
  const { fileColumn, labelColumn, splits } = choiceOf(source)
  const collection = await openCollection(source.folder ?? '', undefined, {
    fileColumn,
    labelColumn,
    splits,
    frames: reading.frames,
  })
  const places = new Map(collection.files.map(({ path }, place) => [path, place]))
  const read = readAgain(collection.contents, { fit, stretch: new Stretch(reading) })
  return async (paths) => {
    const numbers = paths.map((path) => places.get(path) ?? -1)
    const missing = numbers.indexOf(-1)
    if (missing >= 0) {
      throw new HandfulError({
        what: 'image',
        where: printable(paths[missing]),
        got: 'none of that name any more',
        expected: 'the images that the run was trained on',
      })
    }
    const bytes = size * size * channels
    const pixels = new Uint8Array(paths.length * bytes)
    // An archive gives them in its own order.
    const rows = new Map<number, number[]>()
    numbers.forEach((number, row) => rows.set(number, [...(rows.get(number) ?? []), row]))
    for await (const block of read(
      [...rows.keys()].sort((a, b) => a - b),
      { size, channels, block: BLOCK },
    )) {
      block.places.forEach((place, i) => {
        const image = block.pixels.subarray(i * bytes, (i + 1) * bytes)
        for (const row of rows.get(place) ?? []) pixels.set(image, row * bytes)
      })
    }
    const { name } = collection
    return { name, count: paths.length, height: size, width: size, channels, pixels, paths: [...paths] }
  }
}
