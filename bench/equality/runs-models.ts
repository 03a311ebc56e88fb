/** `handful pretrain` of every model and preset, and all that is done with a trained model; baselines; the supervised network. */
import { type Run, typed } from './run.js'
import { GREY, ONE, PHOTOS, SMALL, type SmallModel } from './small-models.js'

const pretrain = (
  name: string,
  images: string,
  model: SmallModel,
  steps: number,
  ...more: readonly string[]
): Run => ({
  name: `pretrain-${name}`,
  steps: typed(`pretrain ${images} ${SMALL[model]} --steps ${steps} --out run`, ...more),
})

/** What every model can be asked for. */
const asked = (layers: string): string[] => [
  'layers run',
  `features run ${ONE} --out own.safetensors`,
  `features run new ${ONE} --layers ${layers} --pooling 2x2 --out new.npy --json`,
  `features run ${ONE} --layers ${layers} --pooling mean --concatenate --out mean.safetensors`,
  `sample run ${ONE} --count 6`,
  `reconstruct run new ${ONE} --count 3`,
  `map run ${ONE} --count 25`,
  `score run ${ONE} --count 16`,
  'pretrain --resume run',
]

const between = `reconstruct run new ${ONE} --interpolate 3 --json`
const brief = [
  `features run new ${ONE} --out new.npy`,
  `sample run ${ONE} --count 4 --seed 3 --out drawn.png --json`,
]

const SWEEP = `sweep run ${ONE} --labels-per-class 3 --draws 2 --noise-levels 10,300 --layers middle.1,up0.0`

const PRETRAIN_RUNS: readonly Run[] = [
  { ...pretrain('vae', GREY, 'vae', 12, ...asked('coarse,hidden'), between), keep: 'run' },
  pretrain('vae-invariant', GREY, 'invariant', 8, ...brief),
  pretrain('vae-dense', GREY, 'dense', 8, ...brief),
  pretrain('vae-pyramid', PHOTOS, 'pyramid', 8, ...brief, 'layers run --json'),
  pretrain('vae-residual', `${PHOTOS} --augment photos`, 'residual', 8, ...brief),
  { ...pretrain('vqvae', GREY, 'vqvae', 8, ...asked('codes,decoder.conv'), between), keep: 'run' },
  pretrain('vqvae-paper', `${PHOTOS} --augment crops`, 'vqvaePaper', 8, ...brief),
  {
    ...pretrain(
      'diffusion',
      GREY,
      'diffusion',
      8,
      ...asked('middle.1,up0.0'),
      `features run new ${ONE} --noise-level 50,200 --draws 2 --mirror --out noised.npy`,
      `features run new ${ONE} --noise-level 50,200 --average-levels --draws 2 --concatenate-views --out views.npy`,
      `sample run ${ONE} --count 2 --steps 4 --eta 0.5 --seed 2`,
    ),
    keep: 'run',
  },
  pretrain('diffusion-paper', PHOTOS, 'diffusionPaper', 6, ...brief),
  pretrain('diffusion-ddpm', PHOTOS, 'ddpm', 6, ...brief),
  {
    ...pretrain(
      'gan',
      GREY,
      'gan',
      12,
      ...asked('last,hidden'),
      between,
      `sample run ${ONE} --count 2 --truncation 0.5 --seed 2`,
    ),
    keep: 'run',
  },
  pretrain('gan-paper', GREY, 'ganPaper', 13, ...brief),
  pretrain('gan-photos', PHOTOS, 'ganColour', 8, ...brief),
  pretrain('threads', `grey --size 12 --threads 2`, 'vae', 8, 'features run --threads 2 --out own.npy'),
  pretrain(
    'strokes',
    `--dataset strokes ${ONE} --seed 3`,
    'vae',
    6,
    `reconstruct run --dataset strokes ${ONE} --count 6`,
    `map run --dataset strokes ${ONE} --count 40 --min-distance 0.4 --seed 9`,
  ),
]

const JOB_RUNS: readonly Run[] = [
  {
    ...pretrain(
      'sweep',
      GREY,
      'diffusion',
      6,
      `${SWEEP} --compare-at 2,5`,
      `${SWEEP} --head ridge --pooling mean --out other --json --test-images 10 --unlabelled-images 20`,
      `${SWEEP} --choose --quiet --out chosen`,
      `${SWEEP} --choose label-free --seed 2 --quiet --out chosen-without`,
      `${SWEEP} --choose together --quiet --out together`,
    ),
    name: 'sweep',
    keep: 'run',
  },
  {
    ...pretrain(
      'map',
      PHOTOS,
      'pyramid',
      6,
      `map run ${ONE}`,
      `map run new ${ONE} --layers encoder.level2,mean --pooling 2x2 --min-distance 0.3 --out new-map --json`,
      `map run new photos/cat ${ONE} --count 6 --seed 4 --out six`,
    ),
    name: 'map',
    keep: 'run',
  },
  {
    ...pretrain(
      'score',
      PHOTOS,
      'pyramid',
      6,
      `score run --held-out grey/test ${ONE} --count 12 --json`,
      `score run --held-out new photos/owl ${ONE} --count 10 --seed 2 --networks score-networks`,
    ),
    name: 'score',
  },
]

const baseline = (name: string, more = ''): string => `features --baseline ${name} ${ONE} ${more}`

const BASELINE_RUNS: readonly Run[] = [
  {
    name: 'baselines',
    steps: typed(
      baseline('pixels', 'grey --size 12 --out pixels.safetensors'),
      baseline('pixels', 'photos --size 10 --fit pad --out padded.npy --json'),
      baseline('pca', 'photos --size 12 --set components=5 --out pca.npy --save-dictionary pca.safetensors'),
      baseline('pca', 'new --dictionary pca.safetensors --out pca-new.npy'),
      baseline(
        'patches',
        'grey --size 12 --set atoms=6 --set samples=300 --set rounds=3 --set size=4 --out patches.npy --save-dictionary patches.safetensors',
      ),
      baseline('patches', 'new --dictionary patches.safetensors --out patches-new.npy'),
      baseline('random', 'grey --size 12 --layers coarse --pooling 2x2 --seed 3 --out random.npy'),
      baseline('random', 'photos --size 16 --set network=resnet18 --out resnet.npy'),
      baseline('random', 'grey --size 12 --set network=diffusion --noise-level 50 --out diffusion.npy'),
    ),
  },
]

const NETWORK = '--set width=2 --set epochs=0 --set fewestSteps=5'

const SUPERVISED_RUNS: readonly Run[] = [
  {
    name: 'supervised',
    steps: typed(
      `supervised ${GREY} ${NETWORK} --labels-per-class 2 --draws 2 --out run`,
      'supervised --resume run --json',
    ),
    keep: 'run',
  },
  {
    name: 'supervised-small-stem',
    steps: typed(
      `supervised ${PHOTOS} ${NETWORK} --stem small --out run`,
      `supervised ${GREY} ${NETWORK} --augment none --seed 4 --draws 1 --out all`,
    ),
  },
  {
    name: 'supervised-strokes',
    steps: typed(
      `supervised --dataset strokes ${ONE} ${NETWORK} --labels-per-class 1 --draws 1 --out run --quiet`,
    ),
  },
]

export const MODEL_RUNS: readonly Run[] = [
  ...PRETRAIN_RUNS,
  ...JOB_RUNS,
  ...BASELINE_RUNS,
  ...SUPERVISED_RUNS,
]
