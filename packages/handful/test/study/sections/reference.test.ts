/** The reference's protocol: which images are labelled, which head each model has, and what the report says of it. */
import { expect, test } from 'vitest'
import { firstOfEachClass } from '../../../src/study/sections/reference/like-for-like.js'
import { referenceHead } from '../../../src/study/sections/reference/protocol.js'
import { studySections } from '../../../src/study/all-sections.js'
import { models } from '../../../src/models/registry.js'
import { exampleStudy } from '../report/example-study.js'

test('the first images of each class are labelled, in the order of the files', () => {
  // Images as methods see them are shuffled: the fifth stood first in its files.
  const data = {
    labels: Int32Array.of(0, 1, 0, 1, 0, -1),
    places: Uint32Array.of(4, 3, 2, 1, 0, 5),
    classNames: ['a', 'b'],
  }
  expect(firstOfEachClass(data, 1)).toEqual(Int32Array.of(-1, -1, -1, 1, 0, -1))
  expect(firstOfEachClass(data, 2)).toEqual(Int32Array.of(-1, 1, 0, 1, 0, -1))
  expect(firstOfEachClass(data, 9)).toEqual(Int32Array.of(0, 1, 0, 1, 0, -1))
})

test.each([
  ['gan', 'cifar10', 16, { hidden: 32, batch: 4, epochs: 300 }],
  ['gan', 'cifar10', 64, { hidden: 32, batch: 4, epochs: 200 }],
  ['gan', 'cifar100', 128, { hidden: 32, batch: 4, epochs: 30 }],
  ['vae', 'mnist', 2, { hidden: 128, batch: 32, epochs: 200 }],
  ['vae', 'cifar10', 2, { hidden: 128, batch: 32, epochs: 90 }],
  ['vqvae', 'cifar100', 2, { hidden: 128, batch: 32, epochs: 90 }],
  ['diffusion', 'mnist', 4, { hidden: 128, batch: 4, epochs: 100 }],
  ['diffusion', 'mnist', 512, { hidden: 128, batch: 128, epochs: 100 }],
  ['diffusion', 'cifar100', 2, { hidden: 128, batch: 128, epochs: 100 }],
] as const)('the head of %s on %s at %i labels is the published one', (model, set, labels, head) => {
  expect(referenceHead(model, set, 3, labels)).toMatchObject(head)
})

test('the report has each model beside its published figure, without an interval that there is none of', async () => {
  const study = await exampleStudy()
  const one = { method: 'gan', setting: '32 hidden units', source: 'gan', dimension: 128 }
  const likeForLike = [
    { ...one, labelsPerClass: 2, accuracies: [0.8, 0.81, 0.82, 0.8, 0.82] },
    { ...one, labelsPerClass: 4, accuracies: [0.9] },
    { ...one, labelsPerClass: 2, standardised: true as const, accuracies: [0.7] },
  ]
  const section = (await studySections({ ...study, likeForLike })).find(({ id }) => id === 'like-for-like')
  const table = section?.blocks.find(({ kind }) => kind === 'table')
  expect(table).toMatchObject({
    rows: [
      [
        { text: 'GAN' },
        { text: '81.0', below: ['80.0 to 82.0', 'published 81.8'] },
        { text: '90.0', below: ['published 87.8'] },
      ],
      [
        { text: 'GAN', below: ['standardised'] },
        { text: '70.0', below: ['published 81.8'] },
        { text: '–', below: ['published 87.8'] },
      ],
    ],
  })
  expect(JSON.stringify(table)).not.toContain('±')
})

test('places in a codebook, whose numbers say nothing by their size, are in neither part of a VQ-VAE', () => {
  for (const preset of ['fast', 'paper'] as const)
    for (const channels of [1, 3] as const) {
      const image = { size: 32, channels }
      const model = models.vqvae.configure(models.vqvae.preset(preset, image), image)
      expect(model.layers().map(({ name }) => name)).toContain('codes')
      const { encoder = [], decoder = [] } = model.parts() ?? {}
      expect([...encoder, ...decoder]).not.toContain('codes')
      expect(encoder).toContain('encoder.code')
      expect(decoder).toContain('quantised')
    }
})
