/** Images to train on and others held out, for benchmarks: of a known set both are drawn from its training images, so that official test labels are not looked at. */
import { Random } from 'onnx-autodiff'
import { type ImageSet, selectImages } from '../packages/handful/src/data/image-set.js'
import { openDataset } from '../packages/handful/src/data/open.js'

export interface HeldOutOptions {
  readonly folder?: string
  readonly size?: number
  readonly dataset?: string
  readonly dataDir?: string
  /** Images to train on and held-out ones; of a folder half of each, unless it has fewer. */
  readonly train: number
  readonly test: number
  readonly seed: number
}

export async function heldOutImages({
  folder,
  size,
  dataset,
  dataDir,
  train,
  test,
  seed,
}: HeldOutOptions): Promise<{ readonly train: ImageSet; readonly test: ImageSet }> {
  const spec = folder === undefined ? { dataset, dataDir, seed } : { folder, size, seed }
  const { train: all } = await openDataset(spec)
  const order = new Random(seed, 'bench/images').permutation(all.count)
  const half = Math.floor(all.count / 2)
  const count = folder === undefined ? train : Math.min(train, half)
  return {
    train: selectImages(all, order.slice(0, count)),
    test: selectImages(all, order.slice(count, count + (folder === undefined ? test : Math.min(test, half)))),
  }
}
