/** A run as `handful prepare` leaves it, of features that are made here: groups of images around centres, without any training. */
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import { stringify } from 'yaml'
import { normalisedSpace } from '../../src/features/feature-space.js'
import { writeFileAtomic } from '../../src/files/atomic.js'
import { featureMatrix } from '../../src/numerics/matrix.js'
import { onnxLinearAlgebra } from '../../src/numerics/onnx-linear-algebra.js'
import { keepGraph, writeSpace } from '../../src/runs/space-file.js'
import { StageStore } from '../../src/stages/stage-store.js'

export interface MadeOptions {
  readonly images: number
  /** Numbers of images in the groups; as many of each where it is one number. */
  readonly groups: number | readonly number[]
  /** Standard deviation around a group's centre, whose numbers have deviation 1. */
  readonly spread: number
  readonly columns?: number
  /** Every image is there so many times, apart by nothing that can be told. */
  readonly copies?: number
  /** Where the image files lie; the run has none by default. */
  readonly folder?: string
  readonly paths?: readonly string[]
}

export interface MadeRun {
  readonly folder: string
  /** As the rows of the features are: not sorted. */
  readonly paths: readonly string[]
  /** Group of each image, */
  groupOf(path: string): number
  /** and which image it is a copy of. */
  originalOf(path: string): number
}

export async function makeRun(folder: string, options: MadeOptions): Promise<MadeRun> {
  const { images, groups, spread, columns = 16, copies = 1 } = options
  const sizes = typeof groups === 'number' ? new Array<number>(groups).fill(1) : groups
  const random = new Random(1, 'made run')
  const centres = sizes.map(() => Array.from({ length: columns }, () => random.normal()))
  const shares = sizes.flatMap((size, group) => new Array<number>(size).fill(group))
  const rows = featureMatrix(images, columns)
  const originals = Int32Array.from({ length: images }, (_, i) => Math.floor(i / copies))
  const truth = originals.map((original) => shares[original % shares.length])
  for (let i = 0; i < images; i++) {
    const first = i - (i % copies)
    for (let j = 0; j < columns; j++) {
      rows.data[i * columns + j] =
        first === i ? centres[truth[i]][j] + spread * random.normal() : rows.data[first * columns + j]
    }
  }
  const paths = options.paths ?? Array.from({ length: images }, (_, i) => `img-${i}.png`)
  const linearAlgebra = onnxLinearAlgebra({ threads: 2, device: 'cpu' })
  try {
    const space = await normalisedSpace({ train: rows, name: 'learned features' }, {}, { linearAlgebra })
    const record = await writeSpace(folder, 'features/learned-made.safetensors', space)
    await keepGraph(folder, record, space)
    const key = 'f'.repeat(64)
    await new StageStore(folder).write(
      { kind: 'features', name: 'compute features', key },
      { learned: [record], pixels: record },
      1,
    )
  } finally {
    await linearAlgebra.close()
  }
  const config = {
    command: 'prepare',
    seed: 0,
    ...(options.folder !== undefined && { folder: options.folder }),
  }
  await writeFileAtomic(path.join(folder, 'config.yaml'), stringify(config))
  await writeFileAtomic(
    path.join(folder, 'features', 'images.json'),
    JSON.stringify({ version: 1, name: 'made', paths, classNames: [], labels: paths.map(() => -1) }),
  )
  const places = new Map(paths.map((each, i) => [each, i]))
  const at = (each: string): number => places.get(each) ?? -1
  return {
    folder,
    paths,
    groupOf: (each) => truth[at(each)],
    originalOf: (each) => originals[at(each)],
  }
}
