/**
 * What a trained model's layers are worth by the reference's protocol, for choosing them: its head for the model, images of each class
 * in the order of their files, features neither normalised nor smoothed. Several blocks of such images, the first, the next and so
 * on, stand for the one block that the reference has; the last training images judge. Official test labels are not looked at.
 *
 *   npx tsx bench/like-for-like/run.ts --run <of handful pretrain> --dataset cifar10 --data-dir <data>
 *     [--layers 'up1.0;middle.1,up1.0'] [--pooling 'mean;2x2'] [--levels '50;100'] [--forms as-they-come,standardised]
 *     [--labels 2,4,16] [--blocks 5] [--test 3000] [--seed 0] [--threads 1]
 *
 * Standardised features have mean 0 and variance 1 over the labelled images of all blocks. What stands between semicolons is tried by turns.
 */
import { parseArgs } from 'node:util'
import { Random } from 'onnx-autodiff'
import { imagesAt } from '../../packages/handful/src/data/image-set.js'
import { openDataset } from '../../packages/handful/src/data/open.js'
import { besideEachOther, extractFeatures } from '../../packages/handful/src/features/extract.js'
import { applyStandardisation, fitStandardisation } from '../../packages/handful/src/features/normalise.js'
import { smallNetwork } from '../../packages/handful/src/heads/small-network.js'
import { featureRequest } from '../../packages/handful/src/models/choose-features.js'
import { type FeatureRequest, featureOutputs } from '../../packages/handful/src/models/feature-request.js'
import type { Pooling } from '../../packages/handful/src/names.js'
import { argmaxRows, type FeatureMatrix, selectRows } from '../../packages/handful/src/numerics/matrix.js'
import { onnxLinearAlgebra } from '../../packages/handful/src/numerics/onnx-linear-algebra.js'
import { average } from '../../packages/handful/src/numerics/statistics.js'
import { loadTrainedModel } from '../../packages/handful/src/runs/trained-model.js'
import { publishedSet } from '../../packages/handful/src/study/published.js'
import { modelParts } from '../../packages/handful/src/study/sections/parts/parts.js'
import { referenceHead } from '../../packages/handful/src/study/sections/reference/protocol.js'

const { values } = parseArgs({
  options: {
    run: { type: 'string' },
    dataset: { type: 'string' },
    'data-dir': { type: 'string' },
    layers: { type: 'string', default: '' },
    pooling: { type: 'string', default: '' },
    levels: { type: 'string', default: '' },
    forms: { type: 'string', default: 'as-they-come,standardised' },
    labels: { type: 'string', default: '2,4,16' },
    blocks: { type: 'string', default: '5' },
    test: { type: 'string', default: '3000' },
    seed: { type: 'string', default: '0' },
    threads: { type: 'string', default: '1' },
  },
})
const [seed, threads, blocks] = [values.seed, values.threads, values.blocks].map(Number)
const turns = (text: string): (string | undefined)[] => (text === '' ? [undefined] : text.split(';'))
const numbers = (text: string | undefined): number[] | undefined => text?.split(',').map(Number)

const { train, name } = await openDataset({ dataset: values.dataset, dataDir: values['data-dir'], seed })
const classCount = train.classNames.length
const judging = Uint32Array.from(
  { length: Number(values.test) },
  (_, i) => train.count - Number(values.test) + i,
)
const counts = numbers(values.labels) ?? []
const places = blockPlaces(Math.max(...counts) * blocks)
const labelled = places.flat()
const trained = await loadTrainedModel(values.run ?? '')
const { model, weights } = trained
const linearAlgebra = onnxLinearAlgebra({ threads, device: 'cpu' })
console.log(
  `${model.name}; layers ${model
    .layers()
    .map(({ name }) => name)
    .join(', ')}`,
)

/** `encoder`, `decoder` and `stacked` stand for all layers of a part, or of both. */
function layersCalled(text: string): readonly string[] {
  const parts = model.hasDecoder ? modelParts(model) : []
  return parts.find(({ part }) => part === text)?.layers ?? text.split(',')
}

/** Of each class the first images in the order of files. */
function blockPlaces(perClass: number): number[][] {
  const found = Array.from({ length: classCount }, (): number[] => [])
  for (let image = 0; image < train.count - judging.length; image++) {
    const label = train.labels[image]
    if (label >= 0 && found[label].length < perClass) found[label].push(image)
  }
  return found
}

async function judge(request: FeatureRequest): Promise<void> {
  const outputs = featureOutputs(request)
  const network = model.features(weights, request)
  const context = { seed, threads, device: 'cpu' }
  const rowsOf = async (at: Uint32Array): Promise<FeatureMatrix[]> => {
    const found = await extractFeatures(network, imagesAt(train, at), outputs, {
      ...context,
      firstPlace: at[0],
    })
    return outputs.map((output) => found[output])
  }
  const [own, others] = [await rowsOf(Uint32Array.from(labelled)), await rowsOf(judging)]
  const wanted = Int32Array.from(judging, (image) => train.labels[image])
  for (const form of values.forms.split(',')) {
    const [features, test] = inForm(own, others, form)
    const cells: string[] = []
    for (const count of counts) {
      const head = referenceHead(model.name, publishedSet(values.dataset ?? name), train.channels, count)
      const fitted = smallNetwork({ ...head, batchSize: head.batch, inputScale: 1 })
      const accuracies: number[] = []
      for (let block = 0; block < blocks; block++) {
        const rows = Int32Array.from(
          places.flatMap((own, c) =>
            Array.from({ length: count }, (_, i) => c * own.length + block * count + i),
          ),
        )
        const problem = { features: selectRows(features, rows), labels: labelsOf(rows), classCount }
        const random = new Random(seed, `block ${block}/${count}`)
        const predicted = argmaxRows(
          await (await fitted.fit({ ...problem, random, linearAlgebra })).predict(test),
        )
        accuracies.push(predicted.filter((c, i) => c === wanted[i]).length / wanted.length)
      }
      const error = (100 * standardDeviation(accuracies)) / Math.sqrt(blocks)
      cells.push(`${(100 * average(accuracies)).toFixed(1)}±${error.toFixed(1)}`)
    }
    const { layers, pooling, noiseLevels, noiseLevel } = request
    const at = noiseLevels ?? noiseLevel
    const what = `${layers.join(',')} ${pooling} ${at === undefined ? '' : `at ${String(at)} `}${form}`
    console.log(`${what} (${features.columns}): ${cells.join(' ')}`)
  }
}

/** Of a sample. */
function standardDeviation(values: readonly number[]): number {
  const mean = average(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}

const labelsOf = (rows: Int32Array): Int32Array => rows.map((row) => train.labels[labelled[row]])

function inForm(own: FeatureMatrix[], others: FeatureMatrix[], form: string): [FeatureMatrix, FeatureMatrix] {
  const [mine, theirs] = [besideEachOther(own), besideEachOther(others)]
  if (form === 'as-they-come') return [mine, theirs]
  const standardisation = fitStandardisation(mine)
  return [applyStandardisation(standardisation, mine), applyStandardisation(standardisation, theirs)]
}

for (const layers of turns(values.layers))
  for (const pooling of turns(values.pooling))
    for (const levels of turns(values.levels)) {
      const request = featureRequest(model, {
        ...(layers === undefined ? {} : { layers: layersCalled(layers) }),
        ...(pooling === undefined ? {} : { pooling: pooling as Pooling }),
        ...(levels === undefined ? {} : { noiseLevels: numbers(levels) }),
      })
      await judge(request)
    }
