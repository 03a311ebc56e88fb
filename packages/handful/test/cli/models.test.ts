/** A model from images to pictures and features by the commands alone, with the real jobs on a small folder. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { decodeSafetensors } from 'onnx-autodiff'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { RunReport } from '../../src/draw/run-report.js'
import { fit as fitCommand } from '../../src/jobs/fit/command.js'
import { writeGreyFolders } from './image-folders.js'
import { type FitJob, handful, Signals } from './harness.js'

let parent: string
let images: string
let run: string

const small = ['--set', 'width=4', '--set', 'hidden=16', '--set', 'latent=4', '--set', 'batch=8']

beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-models-'))
  images = path.join(parent, 'images')
  run = path.join(parent, 'run')
  await writeGreyFolders(images, [
    ['dark', 40],
    ['light', 200],
    ['unlabeled', 120],
  ])
  const { exit, stderr } = await handful([
    'pretrain',
    images,
    '--size',
    '12',
    '--steps',
    '6',
    '--out',
    run,
    ...small,
  ])
  expect(stderr).not.toContain('error')
  expect(exit).toBe(0)
})

afterAll(() => rm(parent, { recursive: true }))

const isPicture = async (file: string): Promise<void> => {
  expect((await sharp(file).metadata()).format).toBe('png')
}

describe('pretrain', () => {
  test('leaves a run folder that tells what was trained', async () => {
    expect((await readdir(run)).sort()).toEqual(
      ['.handful-run', 'checkpoints', 'config.yaml', 'env.json', 'images.json', 'metrics.jsonl', 'model', 'samples', 'stages'], // prettier-ignore
    )
    expect((await readdir(path.join(run, 'model'))).sort()).toEqual([
      'model.json',
      'training.json',
      'weights.safetensors',
    ])
    expect((await readdir(path.join(run, 'samples'))).sort()).toEqual(['reconstructions.png', 'samples.png'])
    const model: unknown = JSON.parse(await readFile(path.join(run, 'model', 'model.json'), 'utf8'))
    expect(model).toMatchObject({
      model: 'vae',
      config: { latent: 4 },
      image: { size: 12, channels: 1 },
      augment: 'shapes',
    })
    expect(parse(await readFile(path.join(run, 'config.yaml'), 'utf8'))).toMatchObject({
      command: 'pretrain',
      steps: 6,
      model: 'vae',
      preset: 'fast',
    })
  })

  test('--print-config prints every value, and does nothing', async () => {
    const out = path.join(parent, 'never')
    const { stdout } = await handful([
      'pretrain',
      '--dataset',
      'mnist',
      '--model',
      'gan',
      '--set',
      'r1.gamma=2',
      '--out',
      out,
      '--print-config',
    ])
    expect(parse(stdout)).toMatchObject({
      dataset: 'mnist',
      steps: 3000,
      augment: 'none',
      image: { size: 28, channels: 1 },
      config: { r1: { gamma: 2, every: 16 } },
    })
    await expect(stat(out)).rejects.toThrow()
  })

  test('that is stopped and gone on with equals one that was not', async () => {
    const out = path.join(parent, 'stopped')
    const signals = new Signals()
    const running = handful(['pretrain', images, '--size', '12', '--steps', '2000', '--out', out, ...small], {
      signals,
    })
    await expect
      .poll(() => readFile(path.join(out, 'metrics.jsonl'), 'utf8').catch(() => ''), {
        timeout: 20_000,
        interval: 20,
      })
      .not.toBe('')
    signals.emit('SIGINT')
    const stopped = await running
    expect(stopped.exit).toBe(130)
    expect(stopped.stderr).toContain(`Go on with:  handful pretrain --resume ${out}`)
    const resumed = await handful(['pretrain', '--resume', out])
    expect(resumed.stderr).toMatch(/going on at step \d+ of 2000/)
    const whole = path.join(parent, 'whole')
    await handful(['pretrain', images, '--size', '12', '--steps', '2000', '--out', whole, ...small])
    const weights = (folder: string): Promise<Buffer> =>
      readFile(path.join(folder, 'model', 'weights.safetensors'))
    expect((await weights(out)).equals(await weights(whole))).toBe(true)
  })

  test('of a wrong setting leaves nothing behind', async () => {
    const out = path.join(parent, 'wrong')
    const { exit, stderr } = await handful(['pretrain', images, '--out', out, '--set', 'latnt=3', '--quiet'])
    expect(exit).toBe(2)
    expect(stderr).toMatch(/^error: --set latnt .*did you mean latent\?$/m)
    await expect(stat(out)).rejects.toThrow()
  })

  test('and fit do not take up runs of each other, and predict wants a classifier', async () => {
    expect((await handful(['fit', '--resume', run])).stderr).toMatch(
      /got a run of handful pretrain.*handful pretrain --resume/,
    )
    expect((await handful(['predict', run, images])).stderr).toMatch(
      /got a run of handful pretrain.*no classifier/,
    )
    expect((await handful(['report', run])).stderr).toMatch(/got a run of handful pretrain.*samples\//)
  })
})

describe('pictures', () => {
  test('samples: the same seed, the same picture', async () => {
    const out = path.join(parent, 'grid.png')
    const { stdout } = await handful(['sample', run, '--count', '9', '--seed', '3', '--out', out])
    expect(stdout).toBe(`${out}\n`)
    const first = await readFile(out)
    expect(await sharp(first).metadata()).toMatchObject({ width: 2 * (3 * 14 + 2), height: 2 * (3 * 14 + 2) })
    await handful(['sample', run, '--count', '9', '--seed', '3', '--out', out])
    expect((await readFile(out)).equals(first)).toBe(true)
    await handful(['sample', run, '--count', '9', '--seed', '4', '--out', out])
    expect((await readFile(out)).equals(first)).toBe(false)
    await handful(['sample', run])
    await isPicture(path.join(run, 'samples', 'seed-0.png'))
  })

  test('of a model that makes none are refused with the models that do, and the command', async () => {
    const out = path.join(parent, 'contrastive')
    const trained = await handful(
      ['pretrain', images, '--model', 'contrastive', '--size', '32', '--steps', '1', '--set', 'batch=4', '--out', out], // prettier-ignore
    )
    expect(trained.exit, trained.stderr).toBe(0)
    const drawn = await handful(['sample', out])
    expect(drawn.exit).toBe(2)
    expect(drawn.stderr).toContain(
      'got model contrastive, which makes features, and no pictures, expected a model that offers samples: vae, vqvae, diffusion, gan or flow',
    )
    expect(drawn.stderr).toContain('handful pretrain <folder> --model vae')
    const between = await handful(['reconstruct', out, '--interpolate', '3'])
    expect(between.stderr).toContain('expected a model that offers interpolations: vae, vqvae or gan')
  })

  test('reconstructions and the way from one image to the next', async () => {
    const { stdout } = await handful(['reconstruct', run, path.join(images, 'dark'), '--count', '5'])
    expect(stdout.trim()).toBe(path.join(run, 'samples', 'reconstructed.png'))
    expect(await sharp(stdout.trim()).metadata()).toMatchObject({
      width: 2 * (5 * 14 + 2),
      height: 2 * (2 * 14 + 2),
    })
    const own = await handful(['reconstruct', run, '--count', '5'])
    expect(own.exit, own.stderr).toBe(0)
    // Without any named, the first of its own images.
    expect((await sharp(own.stdout.trim()).metadata()).height).toBeGreaterThan(2 * 12)
    const [a, b] = ['0.png', '1.png'].map((name) => path.join(images, 'light', name))
    const way = await handful(['reconstruct', run, a, b, '--interpolate', '7'])
    expect(await sharp(way.stdout.trim()).metadata()).toMatchObject({
      width: 2 * (7 * 14 + 2),
      height: 2 * (14 + 2),
    })
  })

  test.each([
    [['sample', '--steps', '3'], /--steps: got 3, expected none for model vae; leave it out/],
    [['sample', '--truncation', '0.5'], /--truncation: got 0.5, expected none/],
    [['reconstruct', '--dataset', 'strokes', 'a.png'], /got both images and --dataset/],
    [['features'], /--out: got no file/],
    [['features', '--out', 'f.csv'], /--out: got "f.csv", expected a name that ends in .npy or .safetensors/],
    [['features', '--out', 'f.npy', '--layers', 'hiden'], /did you mean hidden\?/],
    [['layers', '--size', '32'], /got both a run and --size/],
  ])('%j is refused in one line', async ([command, ...args], message) => {
    const { exit, stderr } = await handful([
      command,
      run,
      ...args,
      ...(command === 'layers' ? [] : ['--quiet']),
    ])
    expect(exit).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('need a run whose training has ended', async () => {
    const early = path.join(parent, 'early')
    await mkdir(early)
    await writeFile(path.join(early, 'config.yaml'), 'command: pretrain\n')
    expect((await handful(['sample', early])).stderr).toMatch(
      /trained model .*got no model\/model.json, expected a run whose training/,
    )
    expect((await handful(['sample', parent])).stderr).toMatch(/got no config.yaml in it/)
    await mkdir(path.join(early, 'model'))
    await writeFile(path.join(early, 'model', 'model.json'), '{"version":1}')
    expect((await handful(['layers', early])).stderr).toMatch(/^error: trained model .*model.json\): got /)
  })
})

describe('features', () => {
  test('of the run’s own images, with a name for each row', async () => {
    const out = path.join(parent, 'own.safetensors')
    const { exit, stdout } = await handful([
      'features',
      run,
      '--out',
      out,
      '--layers',
      'hidden,coarse',
      '--pooling',
      '2x2',
      '--json',
    ])
    expect(exit).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      rows: 24,
      tensors: [
        { name: 'hidden', columns: 16 },
        { name: 'coarse', columns: 32 },
      ],
    })
    const { arrays } = decodeSafetensors(await readFile(out))
    expect([arrays.hidden.shape, arrays.coarse.shape]).toEqual([
      [24, 16],
      [24, 32],
    ])
    const rows = (await readFile(`${out}.csv`, 'utf8')).trimEnd().split('\r\n')
    expect(rows).toHaveLength(25)
    expect([rows[0], rows[1], rows[24]]).toEqual([
      'row,split,file_name,label',
      '0,train,dark/0.png,dark',
      '23,train,unlabeled/7.png,',
    ])
  })

  test('of another folder, side by side, with what was skipped', async () => {
    const other = path.join(parent, 'other')
    await mkdir(other)
    await sharp(path.join(images, 'dark', '0.png')).toFile(path.join(other, 'a.png'))
    await writeFile(path.join(other, 'b.png'), 'none')
    const out = path.join(parent, 'other.npy')
    const { stdout, stderr } = await handful([
      'features',
      run,
      other,
      '--out',
      out,
      '--layers',
      'mean,hidden',
    ])
    expect(stdout).toBe(`${out}: pooling none\n  features: 1 x 20\n  columns: mean 0 to 3, hidden 4 to 19\n`)
    expect(stderr).toContain('Skipped b.png: not an image')
    expect((await readFile(out)).length).toBe(128 + 80)
  })

  test('come from the layers that are listed', async () => {
    const { stdout } = await handful(['layers', run])
    expect(stdout).toMatch(/^ +layer +shape +mean +2x2 +4x4 +none\n/)
    expect(stdout).toMatch(/^\* {2}hidden +16 +16 +16 +16 +16$/m)
    const json = await handful([
      'layers',
      '--model',
      'diffusion',
      '--preset',
      'paper',
      '--dataset',
      'cifar10',
      '--json',
    ])
    expect((JSON.parse(json.stdout) as unknown[]).length).toBeGreaterThan(10)
  })
})

describe('fit', () => {
  const fit = async (...args: string[]): Promise<RunReport> => {
    let report: RunReport | undefined
    const job: FitJob = async (...given) => (report = await fitCommand.run(...given))
    const { exit, stderr } = await handful(
      ['fit', images, '--size', '12', '--steps', '5', '--seed', '2', ...args],
      { fit: job },
    )
    expect(stderr).not.toContain('error')
    expect(exit).toBe(0)
    return report as RunReport
  }

  test.each([
    ['vqvae', ['encoderWidth=8', 'decoderWidth=8', 'codes=8', 'codeSize=4', 'batch=8'], /^VQ-VAE, 8 codes/],
    [
      'diffusion',
      ['width=8', 'groups=2', 'multipliers=[1,1]', 'blocks=1', 'batch=8', 'samplingSteps=2'],
      /^diffusion UNet of width 8/,
    ],
  ])('with a %s writes a report, a model and a classifier that predicts', async (model, set, title) => {
    const out = path.join(parent, `fit-${model}`)
    const command = ['--model', model, '--out', out, ...set.flatMap((each) => ['--set', each])]
    const report = await fit(...command)
    expect(report.training?.model).toMatch(title)
    expect(report.command).toContain(command.join(' '))
    const [name] = set[0].split('=')
    expect(report.config).toMatchObject({ model, preset: 'fast', config: { [name]: 8 } })
    expect(report.config.augment).toBe(model === 'vqvae' ? 'shapes' : 'none')
    expect(report.reconstructions.length).toBeGreaterThan(0)
    expect(report.samples).toHaveLength(24)
    const { runPredict } = await import('../../src/jobs/predict/run.js')
    const { exit, stdout } = await handful(['predict', out, path.join(images, 'light')], {
      predict: runPredict,
    })
    expect(exit).toBe(0)
    expect(stdout.trimEnd().split('\r\n')).toHaveLength(9)
    expect((await handful(['sample', out, '--count', '4'])).exit).toBe(0)
    const layers = await handful(['layers', out])
    expect(layers.stdout).toContain('*')
  })

  test('with another head sets it beside the two that are always there, and predicts with it', async () => {
    const out = path.join(parent, 'fit-head')
    const report = await fit('--head', 'prototypes', '--model', 'vae', '--out', out, ...small)
    expect(report.results.map(({ features, head, chosen }) => [features, head, chosen])).toEqual(
      ['learned features and patches', 'raw pixels'].flatMap((features) => [
        [features, 'label propagation', false],
        [features, 'logistic regression', false],
        features === 'raw pixels'
          ? [features, 'nearest class mean', false]
          : ['features chosen by the labels', 'nearest class mean', true],
      ]),
    )
    const rows = (await readFile(path.join(out, 'predictions.csv'), 'utf8')).split('\r\n')
    expect(rows[1]).toMatch(
      /,"?(learned features and patches|mostly learned features with patches|mostly patches with learned features), nearest class mean"?,[01]\.\d{4}$/,
    )
  })
})
