/**
 * Flow matching: its path and solvers against closed forms, and the model as its users meet it. Of numbers from a normal
 * distribution (mean m, deviation d) the velocity at x_t = alpha x + sigma noise is on average
 * ((sigma - alpha d^2) (x_t - alpha m)) / (alpha^2 d^2 + sigma^2) - m, and it takes a noise z to m + d z.
 */
import { openLocalSession, Random } from 'onnx-autodiff'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Predict } from '../../src/models/denoising/from-noise.js'
import { fast, type FlowConfig } from '../../src/models/flow/config.js'
import { flow } from '../../src/models/flow/flow.js'
import { drawTimes, followFlow, pathAt, type Solver } from '../../src/models/flow/path.js'
import { averagedWeights, type ImageShape, type Weights } from '../../src/models/model.js'

const [MEAN, DEVIATION] = [0.4, 0.3]

const perfect: Predict = (x, { alpha, sigma }) =>
  Promise.resolve(
    x.map((value) => {
      const share = (value - alpha * MEAN) / (alpha ** 2 * DEVIATION ** 2 + sigma ** 2)
      return sigma * share - (MEAN + alpha * DEVIATION ** 2 * share)
    }),
  )

describe('the path', () => {
  test('is straight, from the image to the noise', () => {
    expect(pathAt(0)).toMatchObject({ alpha: 1, sigma: 0 })
    expect(pathAt(250)).toMatchObject({ level: 250, alpha: 0.75, sigma: 0.25 })
    expect(pathAt(250).logSnr).toBeCloseTo(Math.log(9))
    expect(pathAt(1000)).toMatchObject({ alpha: 0, sigma: 1 })
  })

  test('is seen at times that rise along a batch, with the log-odds asked for', () => {
    const times = drawTimes({ mean: -1, deviation: 1.4 }, new Random(1, 'times'), 4000)
    const odds = times.map(({ logSnr }) => -logSnr / 2)
    expect(odds).toEqual(odds.toSorted((a, b) => a - b))
    const mean = odds.reduce((sum, value) => sum + value, 0) / odds.length
    const variance = odds.reduce((sum, value) => sum + (value - mean) ** 2, 0) / odds.length
    expect(mean).toBeCloseTo(-1, 1)
    expect(Math.sqrt(variance)).toBeCloseTo(1.4, 1)
  })
})

describe('following a perfect velocity', () => {
  const start = new Random(1, 'start').fillNormal(new Float32Array(500))
  const away = async (steps: number, solver: Solver): Promise<number> => {
    let asked = 0
    const way = followFlow(1000, steps, solver)
    const predict: Predict = (x, noise) => (asked++, perfect(x, noise))
    const end = await way.remove(start, { predict, fillNoise: () => expect.unreachable() })
    expect(asked).toBe(way.evaluations)
    return Math.max(...end.map((value, k) => Math.abs(value - (MEAN + DEVIATION * start[k]))))
  }

  test('ends at the images, the nearer the more steps', async () => {
    expect(await away(200, 'euler')).toBeLessThan(0.02)
    expect(await away(40, 'heun')).toBeLessThan(0.01)
    expect(await away(50, 'euler')).toBeLessThan((await away(10, 'euler')) / 3)
    expect(await away(40, 'heun')).toBeLessThan((await away(10, 'heun')) / 4)
  })

  test("Heun's steps end nearer than twice as many of Euler's", async () => {
    expect(await away(20, 'heun')).toBeLessThan(await away(40, 'euler'))
  })

  test('to a single image goes straight: one step does', async () => {
    const target = 0.7
    const single: Predict = (x, { sigma }) => Promise.resolve(x.map((value) => (value - target) / sigma))
    const end = await followFlow(1000, 1, 'euler').remove(start, { predict: single, fillNoise: () => {} })
    for (const value of end) expect(value).toBeCloseTo(target, 5)
  })
})

const small: ImageShape = { size: 8, channels: 1 }
const COUNT = 16
/** Crosses of a bright row and a bright column, two pixels wide. */
const pixels = Uint8Array.from({ length: COUNT * 64 }, (_, at) => {
  const [image, row, column] = [Math.floor(at / 64), Math.floor(at / 8) % 8, at % 8]
  return row >> 1 === image >> 2 || column >> 1 === (image & 3) ? 255 : 0
})

const quick: FlowConfig = {
  ...fast(small),
  width: 32,
  blocks: 1,
  batch: 32,
  learningRate: 1e-2,
  warmUpSteps: 10,
  samplingSteps: 8,
}

describe('the model', () => {
  const model = flow.configure(quick, small)
  const STEPS = 150
  const losses: number[] = []
  let weights: Weights
  const run = { threads: 1 }

  const image = () => ({
    dtype: 'uint8' as const,
    shape: [32, 8, 8, 1],
    data: Uint8Array.from([...pixels, ...pixels]),
  })

  beforeAll(async () => {
    const { program, initialState, drawInputs } = model.train(STEPS, 1)
    const session = await openLocalSession(program, { threads: 1, state: initialState })
    for (let step = 0; step < STEPS; step++) {
      const drawn = drawInputs((name) => new Random(1, `${name}/${step}`), step)
      losses.push(Number((await session.run({ image: image(), ...drawn })).loss.data[0]))
    }
    weights = averagedWeights(await session.readState())
    await session.close()
  }, 120_000)

  test('starts at the mean square of noise less image, as its network starts at zero, and learns', () => {
    const noise = new Random(1, 'noise/0').fillNormal(new Float32Array(32 * 64))
    const { noise: drawn } = model.train(STEPS, 1).drawInputs((name) => new Random(1, `${name}/0`), 0)
    expect(drawn.data).toEqual(noise)
    // The noise is [row, column, image, channel].
    const squares = noise.map((value, at) => {
      const [place, k] = [Math.floor(at / 32), at % 32]
      return (value - (pixels[(k % COUNT) * 64 + place] / 127.5 - 1)) ** 2
    })
    expect(losses[0]).toBeCloseTo(squares.reduce((sum, value) => sum + value, 0) / squares.length, 3)
    const late = losses.slice(-20).reduce((sum, value) => sum + value, 0) / 20
    expect(late).toBeLessThan(losses[0] / 3)
  })

  test('draws images that are like those it has seen, the same from the same seed', async () => {
    const drawn = (await model.sample?.(weights, { count: 12, seed: 3, ...run })) ?? new Uint8Array(0)
    expect(await model.sample?.(weights, { count: 12, seed: 3, ...run })).toEqual(drawn)
    const nearest = Array.from({ length: 12 }, (_, i) =>
      Math.min(
        ...Array.from({ length: COUNT }, (_, k) =>
          Array.from({ length: 64 }, (_, at) => Math.abs(drawn[i * 64 + at] - pixels[k * 64 + at])).reduce(
            (sum, value) => sum + value / 64,
            0,
          ),
        ),
      ),
    ).toSorted((a, b) => a - b)
    expect(nearest[6]).toBeLessThan(40)
  })

  test('gives images back', async () => {
    const shown = (await model.reconstruct?.(weights, pixels.slice(), run)) ?? new Uint8Array(0)
    const error = shown.reduce((sum, value, at) => sum + Math.abs(value - pixels[at]), 0) / pixels.length
    expect(error).toBeLessThan(25)
  })

  test('gives features at any level, whatever their batch', async () => {
    const request = { layers: ['middle.1', 'up0.0'], pooling: 'mean' as const, noiseLevels: [0, 400, 1000] }
    const network = model.features(weights, request)
    const session = await openLocalSession(network.program, { threads: 1 })
    const rows = async (places: readonly number[]) => {
      const data = Uint8Array.from(
        places.flatMap((place) => [...pixels.subarray(place * 64, (place + 1) * 64)]),
      )
      return session.run({
        image: { dtype: 'uint8', shape: [places.length, 8, 8, 1], data },
        ...network.drawInputs?.((name) => new Random(5, `features/${name}`), places),
      })
    }
    const [together, alone] = [await rows([0, 1, 2]), await rows([2])]
    await session.close()
    expect(Object.keys(together)).toHaveLength(6)
    for (const [name, { shape, data }] of Object.entries(together)) {
      const own = alone[name].data
      for (let k = 0; k < own.length; k++) expect(data[2 * shape[1] + k]).toBeCloseTo(Number(own[k]), 4)
    }
  })

  test('is refused a level beyond the noise', () => {
    expect(() =>
      model.features(weights, { layers: ['middle.1'], pooling: 'mean', noiseLevel: 1001 }),
    ).toThrow('noise level (flow features): got 1001')
  })
})

test.each([
  { size: 28, channels: 1 },
  { size: 32, channels: 3 },
] as const)('the preset fits images of $size pixels', (image) => {
  const model = flow.configure(fast(image), image)
  expect(model.config).toEqual(fast(image))
  const known = model.layers().map(({ name }) => name)
  expect(known).toEqual(expect.arrayContaining([...model.defaultFeatures.layers]))
  expect(() => flow.configure({ ...fast(image), groups: 7 }, image)).toThrow(
    'expected a divisor of the width',
  )
})
