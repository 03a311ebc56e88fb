/**
 * What the first labels are worth by who chooses them: as `handful suggest` names them, from none on, against images at random and
 * against as many of each class at random, which nobody can draw without knowing the classes. Accuracy of `auto` on held-out images.
 *
 *   npx tsx bench/labelling/first.ts --run <of handful pretrain> --dataset mnist --data-dir <data> [--train 10000] [--test 5000]
 *     [--labels 1,2] [--sets 5] [--draws 10] [--strategies herding,typical] [--patches 256] [--threads 1]
 *
 * Suggestions are the same for the same images: so there are several sets of images, drawn from the training images of a known set.
 */
import { parseArgs } from 'node:util'
import { Random } from 'onnx-autodiff'
import { labelDraws } from '../../packages/handful/src/data/draw-labels.js'
import { headProblem } from '../../packages/handful/src/heads/head.js'
import { createHead } from '../../packages/handful/src/heads/registry.js'
import { NearDuplicates } from '../../packages/handful/src/labelling/suggest/near-duplicates.js'
import { suggestNext } from '../../packages/handful/src/labelling/suggest/suggest.js'
import { mostProbable } from '../../packages/handful/src/numerics/matrix.js'
import { onnxLinearAlgebra } from '../../packages/handful/src/numerics/onnx-linear-algebra.js'
import { studentInterval } from '../../packages/handful/src/numerics/statistics.js'
import { loadTrainedModel } from '../../packages/handful/src/runs/trained-model.js'
import { meanWithInterval } from '../../packages/handful/src/study/results.js'
import { sourceOptions, splitImages, trainedSpace } from '../trained-space.js'

const { values } = parseArgs({
  options: {
    ...sourceOptions,
    run: { type: 'string' },
    labels: { type: 'string', default: '1,2' },
    sets: { type: 'string', default: '5' },
    draws: { type: 'string', default: '10' },
    strategies: { type: 'string', default: 'herding,typical' },
    patches: { type: 'string', default: '256' },
    threads: { type: 'string', default: '1' },
  },
})
const [sets, draws, threads] = [values.sets, values.draws, values.threads].map(Number)
const linearAlgebra = onnxLinearAlgebra({ threads, device: 'cpu' })
const found = new Map<string, number[]>()

try {
  const { model, weights } = await loadTrainedModel(values.run ?? '')
  for (let seed = 0; seed < sets; seed++) {
    const images = await splitImages({ ...values, dataDir: values['data-dir'] }, seed)
    const { train, test } = images
    const patches = Number(values.patches)
    const space = await trainedSpace(images, { model, weights }, { patches, seed, threads, linearAlgebra })
    const graph = await space.graph()
    const alike = new NearDuplicates(graph, space.train)
    const classCount = train.classNames.length

    /** With so many images labelled truly; classes without one are never predicted. */
    const accuracyOf = async (labelled: Iterable<number>, name: string): Promise<number> => {
      const known = [...new Set(Array.from(labelled, (image) => train.labels[image]))].sort((a, b) => a - b)
      const labels = new Int32Array(train.count).fill(-1)
      for (const image of labelled) labels[image] = known.indexOf(train.labels[image])
      const random = new Random(seed, name)
      const fitted = await createHead('auto').fit(
        headProblem(space, { labels, classCount: known.length, random }),
      )
      if (space.test === undefined) throw new Error('internal: got no test rows, expected some')
      const { predicted } = mostProbable(await fitted.predict(space.test))
      return test.score(predicted.map((column) => known[column])).accuracy
    }
    const add = (name: string, accuracy: number): void =>
      void found.set(name, [...(found.get(name) ?? []), accuracy])

    for (const labelsPerClass of values.labels.split(',').map(Number)) {
      const count = labelsPerClass * classCount
      for (const strategy of values.strategies.split(',')) {
        const problem = {
          features: space.train,
          graph,
          labelled: new Int32Array(),
          classNames: [],
          linearAlgebra,
        }
        const picked = await suggestNext(problem, alike, { count, except: new Set(), strategy, seed })
        add(
          `${count} labels, ${strategy}`,
          await accuracyOf(
            picked.map(({ image }) => image),
            strategy,
          ),
        )
      }
      const balanced = labelDraws(train, { labelsPerClass, draws, seed })
      for (let draw = 0; draw < draws; draw++) {
        const order = new Random(seed, `random/${draw}`).permutation(train.count)
        add(`${count} labels, at random`, await accuracyOf(order.subarray(0, count), `random ${draw}`))
        const even = [...balanced[draw].keys()].filter((image) => balanced[draw][image] >= 0)
        add(
          `${count} labels, ${labelsPerClass} of each class at random`,
          await accuracyOf(even, `even ${draw}`),
        )
      }
    }
  }
  for (const [name, accuracies] of found) {
    const { mean, low } = studentInterval(accuracies)
    console.log(`${name}: ${meanWithInterval({ mean, half: mean - low })} (${accuracies.length})`)
  }
} finally {
  await linearAlgebra.close()
}
