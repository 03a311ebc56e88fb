/**
 * Trained models by the few-label accuracy of their features: each run folder of `handful pretrain`, with the heads asked
 * for, over draws of the labelled images, scored on test images that neither training nor propagation saw.
 *
 *   npx tsx bench/accuracy/models.ts --dataset mnist --data-dir <folder> [--labels 2,4,8,16] [--draws 5]
 *     [--heads mlp,linear,propagation,graph] [--layers a,b --pooling 2x2 --noise-level 100] [--smooth] <run folder> ...
 *
 * With --smooth the heads see the features smoothed by the neighbour graph of the training images (features/smoothing.ts).
 */
import { parseArgs } from 'node:util'
import {
  applySmoothing,
  argmaxRows,
  besideEachOther,
  createHead,
  extractFeatures,
  type FeatureMatrix,
  FeatureSpace,
  fitSmoothing,
  headProblem,
  normalisedSpace,
  type Images,
  labelDraws,
  loadTrainedModel,
  onnxLinearAlgebra,
  openDataset,
  type Pooling,
  smoothedReferences,
  studentInterval,
} from 'handful'
import { Random } from 'onnx-autodiff'
import { meanWithInterval } from '../../packages/handful/src/study/results.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dataset: { type: 'string', default: 'mnist' },
    'data-dir': { type: 'string' },
    labels: { type: 'string', default: '2,4,8,16' },
    draws: { type: 'string', default: '5' },
    heads: { type: 'string', default: 'mlp,linear,propagation,graph' },
    layers: { type: 'string' },
    pooling: { type: 'string' },
    'noise-level': { type: 'string' },
    smooth: { type: 'boolean', default: false },
  },
})
const seed = 0
const { train, test } = await openDataset({ dataset: values.dataset, dataDir: values['data-dir'], seed })
if (!test) throw new Error(`${values.dataset}: got no test split, expected one`)
const linearAlgebra = onnxLinearAlgebra({ threads: 2 })

for (const run of positionals) {
  const { model, weights } = await loadTrainedModel(run)
  const own = model.defaultFeatures
  const request = {
    ...own,
    ...(values.layers ? { layers: values.layers.split(',') } : {}),
    ...(values.pooling ? { pooling: values.pooling as Pooling } : {}),
    ...(values['noise-level'] ? { noiseLevel: Number(values['noise-level']) } : {}),
  }
  const network = model.features(weights, request)
  const started = performance.now()
  const features = async (images: Images): Promise<FeatureMatrix> => {
    const found = await extractFeatures(network, images, request.layers, { seed })
    return besideEachOther(request.layers.map((layer) => found[layer]))
  }
  const raw = await features(train)
  const blocks = request.layers.map((layer) => network.program.outputs[layer].shape[1])
  let space = await normalisedSpace(
    { train: raw, test: await features(test.images) },
    { blocks },
    { linearAlgebra },
  )
  const graph = await space.graph()
  if (values.smooth && space.test) {
    const smoothing = await fitSmoothing(space.train, graph, {}, linearAlgebra)
    const unseen = await applySmoothing(smoothing, space.test, linearAlgebra)
    space = new FeatureSpace(
      { train: smoothedReferences(smoothing), test: unseen },
      { linearAlgebra },
      { graph },
    )
  }
  const unseen = space.test ?? space.train
  console.log(
    `${run}: ${model.title}; ${JSON.stringify(request)}; ${raw.columns} numbers, ` +
      `${((performance.now() - started) / 1000).toFixed(0)} s for features and graph`,
  )
  for (const name of values.heads.split(',')) {
    const cells: string[] = []
    for (const count of values.labels.split(',').map(Number)) {
      const accuracies: number[] = []
      const draws = labelDraws(train, { labelsPerClass: count, draws: Number(values.draws), seed })
      for (const [draw, labels] of draws.entries()) {
        const random = new Random(seed, `head ${name}/draw ${draw}`)
        const given = { labels, classCount: train.classNames.length, random }
        const fitted = await createHead(name).fit(headProblem(space, given))
        accuracies.push(test.score(argmaxRows(await fitted.predict(unseen))).accuracy)
      }
      const { mean, low } = studentInterval(accuracies)
      cells.push(`${count}: ${meanWithInterval({ mean, half: mean - low })}`)
    }
    console.log(`  ${name.padEnd(12)} ${cells.join('   ')}`)
  }
}
await linearAlgebra.close()
