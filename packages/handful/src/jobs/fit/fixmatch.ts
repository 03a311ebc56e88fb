/** `handful fit --method fixmatch`: one network, trained from random weights. */
import type { Dataset } from '../../data/dataset.js'
import { imagesAt } from '../../data/image-set.js'
import { confidenceSettings } from '../../heads/confidence.js'
import type { ImageShape } from '../../models/model.js'
import { classifyingNetwork, splitNetwork } from '../../models/supervised-network.js'
import { featureMatrix, matrixOf } from '../../numerics/matrix.js'
import { fixMatch, FIXMATCH_AUGMENT } from '../../training/fixmatch-settings.js'
import { networkProbabilities, unlabelledOf } from '../../training/supervised.js'
import type { FixMatchFitOptions } from './fit-options.js'
import { mirroredNote } from './fitting.js'
import { unjudged } from './network-judging.js'
import type { NetworkMethod } from './network-training.js'

/**
 * @param labelled images of the draw that predicts
 * @param mirror whether probabilities are means over an image and its mirrored image, features of raw pixels too
 */
export function fixMatchMethod(
  options: FixMatchFitOptions,
  { train, test }: Dataset,
  { labelled, mirror }: { readonly labelled: number; readonly mirror: boolean },
): NetworkMethod {
  const image: ImageShape = { size: train.height, channels: train.channels }
  const { settings, title, training } = fixMatch(options, image)
  const { minutes, steps } = options
  const classCount = train.classNames.length
  return {
    source: { features: 'FixMatch', head: 'the network itself' },
    title,
    identity: { settings, augment: FIXMATCH_AUGMENT, image, unlabelled: unlabelledOf(training) },
    training,
    limit: { minutes, steps },
    stream: 'fixmatch',
    mirror,
    answersBy: mirror ? { mirror } : undefined,
    needs: [],
    classify(weights, labels, { onProgress, ...machine }) {
      const network = classifyingNetwork(training.network, image, classCount, weights, { mirror })
      const total = train.count + (test?.count ?? 0)
      return Promise.resolve({
        rows: (places) =>
          networkProbabilities(
            network,
            places === undefined ? train : imagesAt(train, places),
            classCount,
            machine,
            (done) => onProgress?.(done, total),
          ),
        test: () =>
          test &&
          networkProbabilities(network, test.images, classCount, machine, (done) =>
            onProgress?.(train.count + done, total),
          ),
        confidence: unjudged(labels),
        kept(confidence) {
          const split = splitNetwork(training.network, image, classCount, weights, { mirror })
          const { encoder, outputs, weight, bias } = split
          return Promise.resolve({
            outputs,
            encoder: encoder.program,
            head: {
              ...(mirror
                ? { kind: 'views', settings: { views: outputs.length, ...confidenceSettings(confidence) } }
                : { kind: 'linear', settings: { ...confidenceSettings(confidence) } }),
              classCount,
              arrays: {
                weight: matrixOf(weight),
                bias: featureMatrix(1, classCount, bias.data as Float32Array),
              },
            },
          })
        },
      })
    },
    sureness: 'Probabilities are as sure as the network is: no label was left out to check them by.',
    config: { config: settings },
    notes: [
      `FixMatch: one network learned from ${labelled} labelled images and from the ${train.count} training images without their labels. Its rate and length were fixed beforehand.`,
      ...mirroredNote('The probabilities of the network, and features of raw pixels,', { options, mirror }),
    ],
  }
}
