/** `handful study`: all methods, all heads, all sections; of a folder, with a configuration, gone on with and drawn again. */
import { type Run, sets, typed } from './run.js'
import { GREY, ONE, SMALL } from './small-models.js'

const STROKES = 'study strokes --out study --count 120 --test-count 60'

const HEADS = [
  'propagation,propagation-plain,poisson,graph,linear,ridge,prototypes,neighbours',
  'mlp,linear-network,compact-linear,compact-mlp,smoothed-linear,smoothed-mlp',
].join(',')

const METHODS =
  'pixels,pca,patches,random,vae,vqvae,diffusion,gan,vae+patches,gan+vqvae+pca,diffusion+pixels,resnet18'

/** Of the models in a study: as small as elsewhere, by dotted name. */
const model = (name: string, steps: number, ...values: readonly string[]): string =>
  sets(`models.${name}.steps=${steps}`, ...values.map((value) => `models.${name}.set.${value}`))

const MODELS = (ganChannels: string): string =>
  [
    model('vae', 6, 'width=4', 'hidden=16', 'latent=4', 'batch=16'),
    model('vqvae', 6, 'encoderWidth=8', 'decoderWidth=8', 'residuals=1', 'codes=8', 'codeSize=4', 'batch=16'),
    model(
      'diffusion',
      4,
      'width=8',
      'groups=2',
      'multipliers=[1,2]',
      'blocks=1',
      'samplingSteps=2',
      'batch=16',
    ),
    model('gan', 6, `channels=${ganChannels}`, 'mappingLayers=2', 'hidden=16', 'latent=8', 'batch=16'),
  ].join(' ')

const NOISE_MODEL = model('diffusion', 4, 'width=4', 'groups=2', 'multipliers=[1,1]', 'blocks=1', 'batch=8')

const SUPERVISED = sets(
  'supervised.width=2',
  'supervised.epochs=0',
  'supervised.fewestSteps=4',
  'supervised.batch=8',
  'supervised.draws=2',
)
const BASELINES = sets(
  'baselines.pcaComponents=12',
  'baselines.patchAtoms=12',
  'baselines.patchSamples=2000',
  'baselines.patchRounds=2',
  'components=8',
)
const NOTHING_ELSE = '--without sweep,parts,maps,atlas,generation'
const FOLDER = `study grey --size 12 ${ONE} --out study --methods pixels,vae,vae+pixels --draws 2 --labels 2,all`
const FOLDER_HEADS = '--heads propagation,compact-mlp'
const SMALL_VAE = sets(
  'models.vae.steps=6',
  'models.vae.set.width=4',
  'models.vae.set.hidden=16',
  'components=6',
)

export const STUDY_RUNS: readonly Run[] = [
  {
    name: 'study-heads',
    steps: typed(
      `${STROKES} ${ONE} --methods pixels,pca --heads ${HEADS} --labels 1,3 --draws 2 ${BASELINES} ${NOTHING_ELSE}`,
      'study --resume study --json --quiet',
    ),
  },
  {
    name: 'study-methods',
    steps: typed(
      `${STROKES} --threads 2 --methods ${METHODS} --heads propagation,linear --labels 1,2 --draws 2 --without sweep,generation ${MODELS('[8,8]')} ${SUPERVISED} ${BASELINES}`,
      'study --resume study --quiet',
      'report study --png',
    ),
    keep: 'study',
  },
  {
    // On smaller images: the network that scores is trained for hundreds of steps.
    name: 'study-generation',
    steps: typed(
      `study grey --size 12 ${ONE} --out study --methods vae,vqvae,diffusion,gan --heads prototypes --labels 2 --draws 1 ${MODELS('[8]')} --set components=6 --without sweep,parts,maps,atlas`,
    ),
  },
  {
    // By itself and tiny: it compares nine noise levels of every layer.
    name: 'study-noise-levels',
    steps: typed(
      `study grey --size 12 ${ONE} --out study --methods diffusion --heads prototypes --labels 2 --draws 1 ${NOISE_MODEL} --without parts,maps,atlas,generation`,
    ),
  },
  {
    name: 'study-folder',
    steps: typed(
      `${FOLDER} ${FOLDER_HEADS} ${SMALL_VAE} --dry-run`,
      `${FOLDER} ${FOLDER_HEADS} ${SMALL_VAE} --without generation --png`,
      `${FOLDER} ${FOLDER_HEADS} ${SMALL_VAE} --without generation --dry-run --json`,
      `${FOLDER} --heads propagation,compact-mlp,ridge ${SMALL_VAE} --without generation,maps,atlas --draws 3 --seed 0`,
      'report study --json',
    ),
    keep: 'study',
  },
  {
    name: 'study-own-model',
    steps: typed(
      `pretrain ${GREY} ${SMALL.vae} --steps 6 --out model`,
      `study grey --size 12 ${ONE} --out study --run vae=model --methods pixels,vae --heads ridge --draws 2 --labels 1,2 --without parts,atlas,maps`,
    ),
  },
]

/** Interrupted and gone on with, under the real clock: the end has to be the one of a run that was never stopped. */
export const INTERRUPTED_RUNS: readonly Run[] = [
  ...(['vae', 'diffusion', 'gan'] as const).map((name): Run => {
    const pretrain = `pretrain ${GREY} ${SMALL[name]} --steps ${name === 'vae' ? 600 : 120} --out run`
    return {
      name: `stopped-pretrain-${name}`,
      steps: [
        { ...typed(pretrain)[0], stop: { file: 'run/metrics.jsonl' } },
        ...typed('pretrain --resume run'),
      ],
      realClock: true,
      only: /weights\.safetensors$|samples\//,
    }
  }),
  {
    name: 'stopped-study',
    steps: [
      {
        ...typed(`${FOLDER} ${FOLDER_HEADS} ${SMALL_VAE} ${NOTHING_ELSE}`)[0],
        stop: { file: 'study/stages', files: 5 },
      },
      ...typed('study --resume study'),
    ],
    realClock: true,
    only: /stages\/(cell|features)-|weights\.safetensors$|features\//,
  },
]

/** Left as they are when they were stopped, for later versions to go on with. */
export const UNFINISHED_RUNS: readonly Run[] = INTERRUPTED_RUNS.map(({ name, steps }) => ({
  name: name.replace('stopped', 'unfinished'),
  steps: steps.slice(0, 1),
  realClock: true,
  unrecorded: true,
  keep: name === 'stopped-study' ? 'study' : 'run',
}))
