/**
 * What FixMatch makes of the same labels in the same time by each of its networks, for choosing the default: accuracy on
 * held-out images after so many seconds of the processor. Other work beside it takes none of these, so that the networks
 * compare on a busy machine too.
 *
 *   npx tsx bench/fixmatch/run.ts --folder <images with train/ and test/> --size 32 [--labels 4,16] [--seconds 120] [--draws 1]
 *     [--networks contrastive,resnet18] [--dataset cifar10 --data-dir <data> --train 10000 --test 5000] [--set '{"learningRate":0.01}'] [--seed 0]
 *
 * Of a known set held-out images are drawn from its training images: official test labels are not looked at.
 */
import { parseArgs } from 'node:util'
import { labelDraws } from '../../packages/handful/src/data/draw-labels.js'
import { mostProbable } from '../../packages/handful/src/numerics/matrix.js'
import { FIXMATCH_NETWORKS } from '../../packages/handful/src/names.js'
import { fixMatch } from '../../packages/handful/src/training/fixmatch-settings.js'
import { silentProgress } from '../../packages/handful/src/training/progress.js'
import { type SupervisedRequest, trainSupervised } from '../../packages/handful/src/training/supervised.js'
import { sourceOptions, splitImages } from '../trained-space.js'

const { values } = parseArgs({
  options: {
    ...sourceOptions,
    labels: { type: 'string', default: '4,16' },
    seconds: { type: 'string', default: '120' },
    draws: { type: 'string', default: '1' },
    networks: { type: 'string', default: FIXMATCH_NETWORKS.join() },
    set: { type: 'string', default: '{}' },
    seed: { type: 'string', default: '0' },
  },
})
const [seed, draws, budget] = [values.seed, values.draws, values.seconds].map(Number)

/** Of all threads of this process. */
async function processorSeconds<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const before = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(before)
  return { result, seconds: (user + system) / 1e6 }
}

/** Steps that are timed before, beyond those that opening the network takes. */
const TIMED = { few: 2, more: 6 }

const { train, test } = await splitImages({ ...values, dataDir: values['data-dir'] }, seed)
const image = { size: train.height, channels: train.channels }
console.log(`${train.name}: ${train.count} images, ${test.count} held out, ${budget} s of one core each`)
for (const labelsPerClass of values.labels.split(',').map(Number)) {
  for (const [draw, labels] of labelDraws(train, { labelsPerClass, draws, seed }).entries()) {
    for (const network of FIXMATCH_NETWORKS.filter((name) => values.networks.split(',').includes(name))) {
      const set = JSON.parse(values.set) as Record<string, unknown>
      const { title, training: options } = fixMatch({ network, set }, image)
      const request: SupervisedRequest = {
        ...{ images: train, labels, classCount: train.classNames.length, options, seed: draw },
        ...{ threads: 1, device: 'cpu', signal: new AbortController().signal, progress: silentProgress },
      }
      const timed = async (steps: number): Promise<number> =>
        (await processorSeconds(() => trainSupervised({ ...request, steps }))).seconds
      const few = await timed(TIMED.few)
      const each = Math.max(0.01, ((await timed(TIMED.more)) - few) / (TIMED.more - TIMED.few))
      const used: number[] = []
      const { result: trained, seconds } = await processorSeconds(() =>
        trainSupervised({
          ...request,
          steps: Math.max(1, Math.round(budget / each)),
          onMetrics: (_step, metrics) => void used.push(metrics.used),
        }),
      )
      const { accuracy } = test.score(mostProbable(await trained.predict(test.images)).predicted)
      console.log(
        `${labelsPerClass} per class, draw ${draw}: ${(100 * accuracy).toFixed(1)} % by ${title}, ${trained.steps} steps in ${seconds.toFixed(0)} s; ${(100 * (used.at(-1) ?? 0)).toFixed(0)} % used`,
      )
    }
  }
}
