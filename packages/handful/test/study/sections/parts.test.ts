/** Encoder, decoder and both: which layers each part takes, and what comes of them. */
import { describe, expect, it } from 'vitest'
import { compareParts, modelParts } from '../../../src/study/sections/parts/parts.js'
import { averagedWeights } from '../../../src/models/model.js'
import { modelNamed } from '../../../src/models/registry.js'
import { studySchema } from '../../../src/study/all-sections.js'
import { CLASSES, context, draws, SIZE, testSet, train } from './sweep-problem.js'

const mnist = { size: 28, channels: 1 } as const
const cifar = { size: 32, channels: 3 } as const

describe('parts', () => {
  // REFERENCE of the study's numbers: 236, 230 and 466 for the VAE of MNIST, 768, 352 and 1120 for the VQ-VAE of CIFAR.
  it.each([
    ['vae', mnist, [236, 230, 466]],
    ['vqvae', cifar, [768, 352, 1120]],
  ] as const)("of the study's %s have the study's numbers of features", (name, image, numbers) => {
    const model = modelNamed(name)
    const bound = model.configure(model.preset('paper', image), image)
    const shapes = new Map(bound.layers().map((layer) => [layer.name, layer.shape]))
    const parts = modelParts(bound)
    expect(parts.map(({ part }) => part)).toEqual(['encoder', 'decoder', 'stacked'])
    const counted = parts.map(({ layers }) =>
      layers.reduce((sum, layer) => sum + (shapes.get(layer)?.at(-1) ?? 0), 0),
    )
    expect(counted).toEqual(numbers)
  })

  it('are refused for a model without a decoder', () => {
    const model = modelNamed('diffusion')
    expect(() => modelParts(model.configure(model.preset('fast', mnist), mnist))).toThrow(
      'got diffusion, expected a model with layers in both',
    )
  })

  it('are scored for each head and number of labels, draw by draw', async () => {
    const image = { size: SIZE, channels: 1 } as const
    const vae = modelNamed('vae')
    const model = vae.configure({ ...vae.preset('fast', image), width: 4, hidden: 16 }, image)
    const weights = averagedWeights(model.train(1, 0).initialState)
    const options = {
      trained: { model, weights },
      train: train.images,
      test: testSet(),
      classCount: CLASSES.length,
      drawsByLabels: [
        { labelsPerClass: 2, draws: draws(2) },
        { labelsPerClass: 8, draws: draws(8, 3) },
      ],
      heads: ['propagation', 'ridge'] as const,
    }
    const parts = await compareParts(options, context())
    expect(studySchema.shape.parts.parse(parts)).toEqual(parts)
    expect(
      parts.map(({ part, head, labelsPerClass, accuracies }) => [
        part,
        head,
        labelsPerClass,
        accuracies.length,
      ]),
    ).toEqual(
      ['encoder', 'decoder', 'stacked'].flatMap((part) =>
        ['propagation', 'ridge'].flatMap((head) => [
          [part, head, 2, 2],
          [part, head, 8, 3],
        ]),
      ),
    )
    const [encoder, decoder, stacked] = ['encoder', 'decoder', 'stacked'].map((part) =>
      parts.find((each) => each.part === part),
    )
    expect(stacked?.dimension).toBe((encoder?.dimension ?? 0) + (decoder?.dimension ?? 0))
    expect(stacked?.layers).toEqual([...(encoder?.layers ?? []), ...(decoder?.layers ?? [])])
  })
})
