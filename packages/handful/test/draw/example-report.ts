/**
 * A made-up report for tests: every part of the page is there, and none of its numbers were measured. Pictures are
 * rings and bars, one form per class.
 */
import { Random } from 'onnx-autodiff'
import { thumbnail } from '../../src/draw/thumbnails.js'
import type { Picture, RunReport } from '../../src/draw/run-report.js'

const SIDE = 28

export interface ExampleOptions {
  readonly classes?: readonly string[]
  readonly labelsPerClass?: number
  readonly kind?: RunReport['evaluation']['kind']
  /** A picture of a class as `[28, 28]` bytes. */
  readonly draw?: (label: number, random: Random) => Uint8Array
}

/** A ring whose width and gap depend on the class. */
function ring(label: number, random: Random): Uint8Array {
  const pixels = new Uint8Array(SIDE * SIDE)
  const radius = 5 + (label % 5) * 1.4
  for (let i = 0; i < pixels.length; i++) {
    const x = (i % SIDE) - SIDE / 2
    const y = Math.floor(i / SIDE) - SIDE / 2
    const gap = label >= 5 && x > 0 && Math.abs(y) < 4
    const ink = gap ? 0 : Math.max(0, 1 - Math.abs(Math.hypot(x, y) - radius) / 2)
    pixels[i] = Math.min(255, 255 * ink + 30 * random.uniform())
  }
  return pixels
}

export async function exampleReport(options: ExampleOptions = {}): Promise<RunReport> {
  const classes = options.classes ?? Array.from({ length: 10 }, (_, digit) => String(digit))
  const perClass = options.labelsPerClass ?? 4
  const kind = options.kind ?? 'test set'
  const draw = options.draw ?? ring
  const random = new Random(1, 'example report')
  const picture = (label: number): Promise<string> =>
    thumbnail({ height: SIDE, width: SIDE, channels: 1, pixels: draw(label, random) })
  const many = (length: number, make: (i: number) => Promise<Picture>): Promise<Picture[]> =>
    Promise.all(Array.from({ length }, (_, i) => make(i)))
  const accuracies = (mean: number): number[] =>
    kind === 'test set' ? Array.from({ length: 5 }, () => mean + random.between(-0.012, 0.012)) : [mean]
  const steps = Array.from({ length: 600 }, (_, i) => i * 5)
  const predicted = (label: number, low: number, high: number, i: number): Promise<Picture> =>
    picture(label).then((image) => ({
      image,
      path: `train/${String(label * 100 + i).padStart(5, '0')}`,
      predicted: classes[label],
      probability: random.between(low, high),
    }))
  return {
    version: 1,
    title: `strokes with ${perClass} ${perClass === 1 ? 'label' : 'labels'} per class`,
    createdAt: '2026-05-04T09:12:44.000Z',
    command: `handful fit --dataset strokes --labels-per-class ${perClass} --seed 7`,
    dataset: {
      name: 'strokes',
      description: 'Handwriting-like digits that Handful draws itself, 28x28, grey',
      classes: [...classes],
      labelled: classes.map(() => perClass),
      unlabelled: 17_000 - classes.length * perClass,
      height: SIDE,
      width: SIDE,
      channels: 1,
    },
    evaluation: { kind, images: kind === 'test set' ? 3000 : classes.length * perClass },
    results: [
      {
        features: 'learned features',
        head: 'label propagation',
        baseline: false,
        chosen: true,
        accuracies: accuracies(0.913),
      },
      {
        features: 'learned features',
        head: 'logistic regression',
        baseline: false,
        chosen: false,
        accuracies: accuracies(0.776),
      },
      {
        features: 'raw pixels',
        head: 'label propagation',
        baseline: true,
        chosen: false,
        accuracies: accuracies(0.795),
      },
      {
        features: 'raw pixels',
        head: 'logistic regression',
        baseline: true,
        chosen: false,
        accuracies: accuracies(0.574),
      },
    ],
    confusion: classes.map((_, row) =>
      classes.map((__, column) => {
        if (kind !== 'test set')
          return row === column ? perClass - (row % 2) : Number(row % 2 === 1 && column === row - 1)
        if (row === column) return 1350 - row * 18
        return (row * 7 + column * 3) % 4 === 0 ? Math.round(random.between(10, 90)) : random.integer(4)
      }),
    ),
    labelledExamples: await Promise.all(
      classes.map((label, index) =>
        many(Math.min(8, perClass), async () => ({ image: await picture(index), label })),
      ),
    ),
    predictions: await Promise.all(
      classes.map(async (_, label) => ({
        count: 1500 + random.integer(400),
        mostCertain: await many(7, (i) => predicted(label, 0.97, 0.9999, i)),
        leastCertain: await many(7, (i) => predicted((label + i) % classes.length, 0.2, 0.5, i)),
      })),
    ),
    reconstructions: await Promise.all(
      Array.from({ length: 16 }, async (_, i) => ({
        input: await picture(i % classes.length),
        output: await picture(i % classes.length),
      })),
    ),
    alike: [],
    samples: await Promise.all(Array.from({ length: 32 }, (_, i) => picture((i * 7) % classes.length))),
    training: {
      model: 'Convolutional VAE with 24 latent dimensions',
      parameters: 412_345,
      steps: 3000,
      batch: 128,
      seconds: 181,
      curves: [
        {
          name: 'training',
          step: steps,
          value: steps.map((step) => 60 + 480 * Math.exp(-step / 300) + random.between(-6, 6)),
        },
        {
          name: 'held-out images',
          step: steps.filter((_, i) => i % 20 === 0),
          value: steps.filter((_, i) => i % 20 === 0).map((step) => 64 + 470 * Math.exp(-step / 310)),
        },
      ],
    },
    stages: [
      { stage: 'draw the images', seconds: 8.2 },
      { stage: 'train the autoencoder', seconds: 181 },
      { stage: 'take features', seconds: 9.7 },
      { stage: 'fit classifiers', seconds: 31 },
    ],
    skipped: [
      { path: 'unlabeled/IMG_0041.jpg', reason: 'a truncated JPEG file' },
      { path: 'unlabeled/notes.txt.png', reason: 'not an image' },
    ],
    notes: ['These numbers are made up: this page is an example for tests.'],
    published: [{ what: 'VAE features, linear head', accuracy: 0.81, source: 'an example, 2024' }],
    next: [
      { why: 'Classify new images:', command: 'handful predict runs/2026-05-04-strokes new-images/' },
      { why: 'Train for longer:', command: 'handful fit --dataset strokes --minutes 10' },
    ],
    config: {
      dataset: 'strokes',
      labelsPerClass: perClass,
      seed: 7,
      minutes: 3,
      head: 'auto',
      device: 'cpu',
    },
    environment: { handful: '0.1.0', node: '20.20.2', processor: 'Example CPU', processors: 2, threads: 2 },
  }
}
