/** What does no work: help, printed options, `data`, lists of layers, and wrong uses with their one line and exit status. */
import { type Run, typed } from './run.js'
import { GREY, ONE, SMALL } from './small-models.js'

const COMMANDS = [
  'fit predict report pretrain sample reconstruct score supervised layers features map sweep study data'.split(
    ' ',
  ),
  ['data list', 'data fetch', 'data verify', 'data stats'],
].flat()

const MODELS: Record<string, readonly string[]> = {
  vae: ['fast', 'paper', 'invariant'],
  vqvae: ['fast', 'paper'],
  diffusion: ['fast', 'paper', 'ddpm'],
  gan: ['fast', 'paper'],
}
const CHOICES = Object.entries(MODELS).flatMap(([model, presets]) =>
  presets.map((preset) => `--model ${model} --preset ${preset}`),
)

const WRONG = [
  'fitt',
  'frobnicate',
  'fit',
  'fit --datset mnist',
  'fit --dataset mnsit',
  'fit --dataset',
  'fit a b',
  'fit a --dataset mnist',
  'fit a --minutes 3 --steps 5',
  'fit a --size 7',
  'fit a --seed 1.5',
  'fit a --head linea',
  'fit --resume',
  'fit --resume a --out b',
  'fit nowhere --quiet',
  'fit --dataset mnist --data-dir nowhere --quiet --out run',
  'predict',
  'predict run',
  'predict grey new',
  'report nowhere',
  'report a b',
  `pretrain grey ${ONE} --set latnt=3 --quiet`,
  `pretrain grey ${ONE} --preset ddpm --quiet`,
  `pretrain grey ${ONE} --set latent=0 --quiet`,
  `pretrain grey ${ONE} --model vqvae --set codebook.decay.x=1 --quiet`,
  `pretrain grey ${ONE} --device gpu --quiet`,
  'sample nowhere',
  'features --out f.npy',
  'features --baseline patches --set atms=3 grey --out never.npy --quiet',
  'features --baseline pixels grey --layers hidden --out never.npy --quiet',
  'layers',
  'layers --dataset mnist --size 12',
  'reconstruct run',
  'score run --set size=32',
  'map run new --dataset mnist',
  'sweep run --choose labelfree',
  'sweep run --compare-at 1.5',
  'study',
  'study mnits',
  'study mnist --methods vea',
  'study mnist --heads linera',
  'study mnist --labels 1,x',
  'study mnist --budget soon',
  'study mnist --without map',
  'study mnist --set supervised.drwas=2',
  'study --config nowhere.yaml',
  'study --resume nowhere',
  'study grey --threads 1 --methods vae+vqvea',
  'supervised grey --set widht=2 --quiet',
  'data',
  'data lst',
  'data fetch cifar',
  'data verify strokes',
  'data stats nowhere --quiet',
]

/** On a trained model, what it refuses. */
const REFUSED = [
  'predict run new',
  'report run',
  'fit --resume run',
  'pretrain --resume run --seed 3',
  `pretrain ${GREY} --out run`,
  'sample run --steps 3',
  'sample run --truncation 0.5',
  'features run',
  'features run --out f.csv',
  'features run --out f.npy --layers hiden --quiet',
  'features run --out f.npy --noise-level 50 --quiet',
  'layers run --size 32',
  'sweep run --quiet',
  'map run --layers none-such --quiet',
  'map run --count 3',
  'reconstruct run --dataset strokes new',
  `reconstruct run new/broken.png ${ONE} --quiet`,
  'score run --steps 3 --quiet',
]

export const USAGE_RUNS: readonly Run[] = [
  {
    name: 'help',
    steps: [
      { args: [] },
      ...typed('--help', 'help fit', '--version', ...COMMANDS.map((command) => `${command} --help`)),
    ],
  },
  { name: 'wrong-uses', steps: typed(...WRONG) },
  {
    name: 'refused',
    steps: typed(`pretrain ${GREY} ${SMALL.vae} --steps 2 --out run --quiet`, ...REFUSED),
  },
  {
    name: 'print-config',
    steps: typed(
      ...CHOICES.flatMap((choice) => [
        `pretrain --dataset mnist ${choice} ${ONE} --print-config`,
        `pretrain --dataset cifar10 ${choice} ${ONE} --print-config`,
      ]),
      `fit --dataset mnist ${ONE} --print-config`,
      `fit ${GREY} --model gan --steps 9 --set r1.gamma=2 --print-config`,
      `fit photos ${ONE} --head mlp --draws 3 --patches 0 --print-config`,
      `supervised --dataset cifar10 ${ONE} --stem small --print-config`,
      `supervised photos ${ONE} --print-config`,
      `study mnist ${ONE} --print-config`,
      `study photos ${ONE} --budget 20m --labels 1,all --run gan=runs/g --set models.vqvae.set.codebook.decay=0.9 --without maps --print-config`,
    ),
  },
  {
    name: 'layers',
    steps: typed(
      ...CHOICES.map((choice) => `layers ${choice} --dataset cifar10`),
      ...CHOICES.map((choice) => `layers ${choice} --size 28 --grey --json`),
    ),
  },
  {
    name: 'dry-run',
    steps: typed(
      `study strokes ${ONE} --dry-run`,
      `study strokes --threads 2 --budget 30m --dry-run --json`,
      `study strokes ${ONE} --budget 3m --count 2000 --test-count 500 --dry-run`,
      `study photos ${ONE} --dry-run`,
    ),
  },
  {
    name: 'data',
    steps: typed(
      'data list',
      'data list --json',
      'data verify mnist --quiet',
      'data verify cifar100 --json --quiet',
      'data stats strokes --json --quiet',
      'data stats grey',
      'data stats photos --size 20 --fit pad',
      'data stats photos.tar --json',
      'data stats listed --json',
      'data stats new',
    ),
  },
]
