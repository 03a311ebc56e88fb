/** `handful fit`, `predict` and `report`: every model, every head, both kinds of images, and going on. */
import { type Run, typed } from './run.js'
import { GREY, ONE, PHOTOS, SMALL, type SmallModel } from './small-models.js'

const FEW = '--steps 6 --draws 2 --out run'
const OPENED = [
  `predict run new ${ONE}`,
  `predict run new grey/test ${ONE} --json --quiet`,
  `predict run grey/test/lying/0.png photos/cat ${ONE} --out new.csv`,
  'report run',
  'report run --json',
]

const whole = (name: string, command: string, ...more: readonly string[]): Run => ({
  name: `fit-${name}`,
  steps: typed(`fit ${command} ${FEW}`, ...OPENED, ...more),
})

const grey = (name: string, model: SmallModel, more = '', ...others: readonly string[]): Run =>
  whole(name, `${GREY} ${SMALL[model]} --labels-per-class 3 ${more}`, ...others)

/** Those that are not compared in every run anyway. */
const HEADS = [
  'propagation-plain',
  'poisson',
  'graph',
  'ridge',
  'prototypes',
  'neighbours',
  'mlp',
  'linear-network',
  'compact-linear',
  'compact-mlp',
  'smoothed-linear',
  'smoothed-mlp',
]

const head = (name: string, patches: number): Run => ({
  name: `fit-head-${name}`,
  steps: typed(
    `fit ${GREY} ${SMALL.vae} ${FEW} --labels-per-class 3 --patches ${patches} --head ${name}`,
    `predict run new ${ONE}`,
  ),
})

export const FIT_RUNS: readonly Run[] = [
  {
    ...grey(
      'vae-patches',
      'invariant',
      '--patches 8',
      'fit --resume run --json',
      `layers run`,
      `features run ${ONE} --out own.npy`,
      `map run ${ONE} --count 30`,
      `sample run ${ONE} --count 4`,
    ),
    keep: 'run',
  },
  grey('vae-two-threads', 'invariant', '--patches 8 --threads 2'),
  whole('vae-all-patches', `${GREY} ${SMALL.vae} --patches 64 --seed 5 --draws 1`),
  whole('vae-listed', `listed --size 12 ${ONE} ${SMALL.vae} --patches 0 --head linear`),
  whole('vae-photos', `${PHOTOS} ${SMALL.pyramid} --patches 8 --fit pad`),
  whole('vae-tar', `photos.tar --size 16 ${ONE} ${SMALL.residual} --patches 0 --fit stretch`),
  grey('vae-dense', 'dense', '--patches 0 --augment none'),
  { ...grey('vqvae', 'vqvae', '--patches 8', 'fit --resume run --quiet'), keep: 'run' },
  whole('vqvae-photos', `${PHOTOS} ${SMALL.vqvae.replaceAll('--preset fast', '')} --patches 0`),
  { ...grey('diffusion', 'diffusion', '--patches 8', 'fit --resume run --quiet'), keep: 'run' },
  whole('diffusion-photos', `${PHOTOS} ${SMALL.diffusion} --patches 0`),
  { ...grey('gan', 'gan', '--patches 8', 'fit --resume run --quiet'), keep: 'run' },
  whole('gan-photos', `${PHOTOS} ${SMALL.ganColour} --patches 0`),
  ...HEADS.map((name, i) => head(name, i % 2 === 0 ? 0 : 4)),
  {
    name: 'fit-strokes',
    steps: typed(
      `fit --dataset strokes ${ONE} ${SMALL.vae} --patches 4 --steps 6 --draws 1 --out run`,
      `predict run new ${ONE}`,
    ),
  },
]
