/** Scores, baselines and the supervised network by their commands, on a small folder of images. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { decodeSafetensors, Random } from 'onnx-autodiff'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { score } from '../../src/jobs/score/command.js'
import { runScore } from '../../src/jobs/score/run.js'
import { formatCount } from '../../src/draw/format.js'
import { tinyModel } from '../encoders/tiny-encoder.js'
import { handful, type Outcome, Signals } from './harness.js'

let parent: string
let images: string
let run: string

/** Bars that stand or lie, 12x12, with a test split. */
beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-score-'))
  images = path.join(parent, 'images')
  run = path.join(parent, 'runs', 'own')
  const random = new Random(0, 'images')
  for (const [split, count] of [
    ['train', 16],
    ['test', 12],
  ] as const) {
    for (const [name, standing] of [
      ['standing', true],
      ['lying', false],
    ] as const) {
      const folder = path.join(images, split, name)
      await mkdir(folder, { recursive: true })
      for (let i = 0; i < count; i++) {
        const at = random.integer(12)
        const pixels = Uint8Array.from(
          { length: 144 },
          (_, place) =>
            random.integer(40) + (at === (standing ? place % 12 : Math.floor(place / 12)) ? 200 : 0),
        )
        await sharp(pixels, { raw: { width: 12, height: 12, channels: 1 } })
          .png()
          .toFile(path.join(folder, `${i}.png`))
      }
    }
  }
  const small = ['--set', 'width=4', '--set', 'hidden=16', '--set', 'latent=4', '--set', 'batch=8']
  const trained = await handful(['pretrain', images, '--size', '12', '--steps', '4', '--out', run, ...small])
  expect(trained.exit).toBe(0)
}, 60_000)

afterAll(() => rm(parent, { recursive: true }))

const refused = ({ exit, stderr }: Outcome, message: RegExp): void => {
  expect(exit).toBe(2)
  expect(stderr).toMatch(message)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
}

describe('score', () => {
  test('writes the scores with what they hang on, and the second time trains no network', async () => {
    const small: typeof score.run = (options, context) =>
      runScore({ ...options, network: { width: 4, features: 4, steps: 10 } }, context)
    const setup = { commands: [{ ...score, run: small }] }
    const first = await handful(['score', run, '--count', '20', '--json'], setup)
    expect(first.stderr).toContain('train the network that scores images')
    expect(first.stderr).toContain('on 32 labelled images only: take its scores for rough')
    const shown = JSON.parse(first.stdout) as Record<string, unknown>
    expect(shown).toMatchObject({
      images: 20,
      settings: { seed: 0 },
      network: { images: 32, classNames: ['lying', 'standing'], seed: 0 },
    })
    const kept: unknown = JSON.parse(await readFile(path.join(run, 'scores.json'), 'utf8'))
    expect(kept).toMatchObject({ version: 1, generated: shown.generated, memorisation: shown.memorisation })
    expect((await sharp(path.join(run, 'samples', 'nearest-training.png')).metadata()).format).toBe('png')
    expect(await readdir(path.join(parent, 'runs', 'score-networks'))).toHaveLength(1)
    const again = await handful(['score', run, '--count', '20'], setup)
    expect(again.stderr).not.toContain('train the network')
    expect(again.stderr).toContain('nothing is computed again')
    expect(JSON.parse(await readFile(path.join(run, 'scores.json'), 'utf8'))).toEqual(kept)
    const { frechet } = shown.generated as { frechet: number }
    expect(again.stdout).toContain(`Frechet distance  ${formatCount(frechet).padStart(7)}`)
    expect(again.stdout).toMatch(
      /in the space of the 4 penultimate features .* on 32 labelled images of images$/m,
    )
    // Which way is better, and between which ends, stands behind each number and in the help.
    const meanings = [
      /Frechet distance .* lower is better, from 0 up/,
      /kernel distance .* lower is better, about 0 is best/i,
      /precision .* higher is better, 0 to 100 %/i,
      /recall .* higher is better, 0 to 100 %/i,
      /ratio .* about 1 is best; far below 1, samples are copies/i,
    ]
    const help = await handful(['score', '--help'])
    for (const meaning of meanings) for (const { stdout } of [again, help]) expect(stdout).toMatch(meaning)
    // A published space beside its own, in which nothing is drawn or trained again.
    const file = path.join(parent, 'tiny.onnx')
    await writeFile(file, tinyModel({ size: 16 }))
    const published = ['--encoder', file, '--encoder-range', '0,1']
    const both = await handful(['score', run, '--count', '20', ...published], setup)
    expect(both.stderr).toContain('score them')
    expect(both.stderr).not.toContain('draw images')
    expect(both.stdout).toMatch(
      /\nin the space of 6 numbers of tiny, from images of 16x16\n {17,}samples {2}training images\n {2}Frechet distance .*\n {2}kernel distance .*\n {2}precision .*\n {2}recall .*\n$/,
    )
    expect(JSON.parse(await readFile(path.join(run, 'scores.json'), 'utf8'))).toMatchObject({
      generated: shown.generated,
      encoder: {
        space: '6 numbers of tiny, from images of 16x16',
        generated: { frechet: expect.any(Number) as number },
        floor: { frechet: expect.any(Number) as number },
      },
    })
    // Other images to compare with, and the samples that are there.
    const held = ['--held-out', path.join(images, 'train', 'lying'), path.join(images, 'test', 'lying')]
    const others = await handful(['score', run, '--count', '20', ...held], setup)
    expect(others.stderr).toContain('score them')
    expect(others.stderr).not.toContain('draw images')
    for (const name of await readdir(path.join(run, 'samples')))
      if (name.startsWith('drawn-')) await rm(path.join(run, 'samples', name))
    const redrawn = await handful(['score', run, '--count', '20', '--json'], setup)
    expect(redrawn.stderr).toContain('draw images')
    const { generated, memorisation } = shown
    expect(JSON.parse(redrawn.stdout)).toMatchObject({ generated, memorisation })
  })

  test('says what is needed where there are no labels or nothing was held out', async () => {
    const plain = path.join(parent, 'plain')
    await mkdir(plain)
    for (let i = 0; i < 12; i++)
      await sharp(path.join(images, 'train', 'lying', `${i}.png`)).toFile(path.join(plain, `${i}.png`))
    const unlabelled = path.join(parent, 'runs', 'plain')
    const small = ['--set', 'width=4', '--set', 'hidden=8', '--set', 'latent=2', '--set', 'batch=8']
    await handful(['pretrain', plain, '--size', '12', '--steps', '2', '--out', unlabelled, ...small])
    refused(await handful(['score', unlabelled, '--quiet']), /got images without a test split.*--held-out/)
    const held = path.join(images, 'test')
    const { exit, stderr } = await handful(['score', unlabelled, '--held-out', held, '--quiet'])
    expect(exit).toBe(1)
    expect(stderr).toMatch(/got images without labels, expected training images labelled with at least two/)
    // An encoder needs none.
    const file = path.join(parent, 'tiny-grey.onnx')
    await writeFile(file, tinyModel({ size: 16, channels: 1 }))
    const args = ['score', unlabelled, '--held-out', held, '--encoder', file]
    const scored = await handful(args)
    expect(scored.exit).toBe(0)
    expect(scored.stderr).toContain("scores are in the encoder's space alone")
    expect(scored.stderr).not.toContain('train the network')
    expect(scored.stdout.match(/^ {2}Frechet distance /gm)).toHaveLength(1)
    expect(scored.stdout).toMatch(/^in the space of 2 numbers of tiny-grey, from images of 16x16$/m)
  })

  test.each([
    [['--steps', '3'], /--steps: got 3, expected none for model vae/],
    [['--set', 'size=32'], /--set: got no --inception/],
    [['--encoder-range', '0,1'], /--encoder-range: got no --encoder, expected an encoder that it is about/],
  ])('%j is refused in one line', async (args, message) => {
    refused(await handful(['score', run, '--quiet', ...args]), message)
  })

  test('a file that is no encoder is noticed before anything else is done', async () => {
    const file = path.join(parent, 'note.onnx')
    await writeFile(file, 'no model')
    const { exit, stderr } = await handful(['score', run, '--encoder', file, '--count', '20'])
    expect(exit).toBeGreaterThan(0)
    expect(stderr).toMatch(/^error: encoder \(.*note\.onnx\): got .*, expected an ONNX model/)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('a file for FID that is not there is noticed before anything else is done', async () => {
    const { exit, stderr } = await handful(['score', run, '--inception', path.join(parent, 'none.onnx')])
    expect(exit).toBe(1)
    expect(stderr).toMatch(/^error: reading the network for FID .*got nothing there/)
  })
})

describe('features --baseline', () => {
  const features = (...args: readonly string[]): Promise<Outcome> =>
    handful(['features', '--baseline', ...args, '--size', '12', '--quiet'])

  test('pixels are the images themselves, grey where all are', async () => {
    const out = path.join(parent, 'pixels.safetensors')
    const { stdout } = await features('pixels', images, '--out', out)
    expect(stdout).toBe(`${out}: raw pixels\n  pixels: 56 x 144\n`)
    const { pixels } = decodeSafetensors(await readFile(out)).arrays
    const rows = (await readFile(`${out}.csv`, 'utf8')).split('\r\n')
    expect(rows[1]).toBe('0,train,train/lying/0.png,lying')
    const bytes = await sharp(path.join(images, 'train', 'lying', '0.png'))
      .greyscale()
      .raw()
      .toBuffer()
    const first = (pixels.data as Float32Array).slice(0, 144)
    first.forEach((value, i) => expect(value).toBeCloseTo(bytes[i] / 255, 5))
  })

  test.each([
    ['patches', ['--set', 'atoms=6', '--set', 'samples=300', '--set', 'rounds=2', '--set', 'size=4']],
    ['pca', ['--set', 'components=5']],
  ])('%s fitted before give the same features as when they were fitted', async (name, set) => {
    const [fitted, again] = ['fitted', 'again'].map((word) => path.join(parent, `${name}-${word}.npy`))
    const file = path.join(parent, `${name}.safetensors`)
    const first = await features(name, images, ...set, '--out', fitted, '--save-dictionary', file)
    expect(first.stderr).not.toContain('error')
    // Without --size, that of the images that it was fitted to.
    const args = ['features', '--baseline', name, images, '--dictionary', file, '--out', again, '--quiet']
    expect((await handful(args)).exit).toBe(0)
    expect((await readFile(again)).equals(await readFile(fitted))).toBe(true)
    const other = name === 'pca' ? 'patches' : 'pca'
    refused(
      await features(other, images, '--dictionary', file, '--out', again),
      new RegExp(`got fitted features of baseline ${name}.*use --baseline ${name}`),
    )
  })

  test('of random weights take layers as those of a trained model do', async () => {
    const out = path.join(parent, 'random.npy')
    const { stdout } = await features(
      'random',
      images,
      '--layers',
      'coarse',
      '--pooling',
      '2x2',
      '--out',
      out,
    )
    expect(stdout).toMatch(/random weights, pooling 2x2\n {2}coarse: 56 x \d+\n$/)
  })

  test('damaged files are refused in one line', async () => {
    const file = path.join(parent, 'damaged.safetensors')
    await writeFile(file, 'none')
    const { exit, stderr } = await features('patches', images, '--dictionary', file, '--out', `${file}.npy`)
    expect(exit).toBe(1)
    expect(stderr).toMatch(
      /^error: fitted features .*expected a file that handful features --save-dictionary/,
    )
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test.each([
    [['patches', '--set', 'atms=3'], /--set atms \(baseline patches\).*did you mean atoms\?/],
    [['patches', '--set', 'atoms=0'], /--set atoms .*expected at least 1/],
    [['pixels', '--layers', 'hidden'], /--layers: got hidden, expected none for baseline pixels/],
    [['pixels', '--dictionary', 'd'], /--dictionary: got a file, expected none for baseline pixels/],
    [['random', '--noise-level', '50,200'], /--noise-level: got 50,200, expected none for model vae/],
  ])('%j is refused in one line', async (args, message) => {
    refused(await features(...args, images, '--out', path.join(parent, 'never.npy')), message)
  })
})

describe('supervised', () => {
  const small = ['--size', '12', '--set', 'width=2', '--set', 'epochs=0']

  test('keeps a result of each draw, and goes on with the draw that it was stopped in', async () => {
    const [whole, stopped] = ['whole', 'stopped'].map((name) => path.join(parent, name))
    const args = ['supervised', images, '--labels-per-class', '2', '--draws', '2', ...small]
    const draws = ['--set', 'fewestSteps=60', '--set', 'learningRate=0.002']
    const { stdout, exit } = await handful([...args, ...draws, '--out', whole])
    expect(exit).toBe(0)
    expect(stdout).toMatch(/width 2, [\d,]+ parameters, 60 steps on 2 labels per class of images, 2 draws in/)
    expect(stdout).toMatch(/accuracy .* \(95 % interval .*\) on 24 test images\ndraws: .* %, .* %\n/)

    const signals = new Signals()
    const running = handful([...args, ...draws, '--out', stopped], { signals })
    const done = (): Promise<string[]> => readdir(path.join(stopped, 'stages')).catch(() => [])
    await expect.poll(done, { timeout: 30_000, interval: 5 }).toContainEqual(expect.stringMatching(/^draw-/))
    signals.emit('SIGINT')
    const first = await running
    const resumed = await handful(['supervised', '--resume', stopped])
    expect(resumed.stderr).not.toContain('error')
    if (first.exit === 130) expect(resumed.stderr).not.toContain('draw 1:')
    const accuracies = async (folder: string): Promise<unknown> => {
      const kept = JSON.parse(await readFile(path.join(folder, 'results.json'), 'utf8')) as {
        draws: { accuracy: number; steps: number; labels: number }[]
      }
      return kept.draws.map(({ accuracy, steps, labels }) => ({ accuracy, steps, labels }))
    }
    expect(await accuracies(stopped)).toEqual(await accuracies(whole))
    const predictions = await readFile(path.join(whole, 'predictions.csv'), 'utf8')
    expect(predictions.trimEnd().split('\r\n')).toHaveLength(1 + 32 + 24)
    expect(await readFile(path.join(stopped, 'predictions.csv'), 'utf8')).toBe(predictions)
  })

  test('without test images predicts, and says that nothing tells how often it is right', async () => {
    const out = path.join(parent, 'alone')
    const args = ['supervised', path.join(images, 'train'), ...small, '--set', 'fewestSteps=3', '--out', out]
    const { stdout, stderr } = await handful([...args, '--mirror', 'yes'])
    expect(stdout).toContain('probabilities are means over an image and its mirrored image')
    expect(stderr).toContain('No test split: the network is trained once and predicts')
    expect(stdout).toContain('on all labels of train')
    expect(stdout).toContain('no test images: nothing says how often it is right')
  })

  test('labels choose rate and length unless something says them', async () => {
    const config = async (...more: string[]): Promise<string> =>
      (await handful(['supervised', images, '--print-config', '--size', '12', ...more])).stdout
    expect(await config()).toContain('choose: folds')
    expect(await config()).toContain('mirror: auto')
    for (const more of [
      ['--steps', '5'],
      ['--set', 'learningRate=0.1'],
      ['--preset', 'reference'],
    ])
      expect(await config(...more)).not.toContain('choose')
    refused(
      await handful(['supervised', images, '--choose', 'folds', '--minutes', '1']),
      /--choose .*none with --minutes or --steps/,
    )
  })

  test('a wrong setting is refused before images are read, and nothing is left behind', async () => {
    const out = path.join(parent, 'wrong')
    refused(
      await handful(['supervised', images, '--set', 'widht=2', '--out', out, '--quiet']),
      /--set widht .*did you mean width\?/,
    )
    await expect(readdir(out)).rejects.toThrow()
  })
})
