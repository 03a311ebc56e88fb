/** From a preset and what a user sets to a configuration, or to one line that says what is wrong. */
import { describe, expect, test } from 'vitest'
import { HandfulError } from '../../src/errors.js'
import { type ModelChoice, resolveAugmentation, resolveModel } from '../../src/training/model-options.js'
import { MODELS, PRESETS } from '../../src/names.js'
import { fast } from '../../src/models/vqvae/config.js'
import { modelNamed } from '../../src/models/registry.js'

const grey = { size: 28, channels: 1 } as const
const colour = { size: 32, channels: 3 } as const

const choice = (given: Partial<ModelChoice>): ModelChoice => ({
  model: 'vae',
  preset: 'fast',
  set: {},
  ...given,
})

describe('a preset', () => {
  const kept = MODELS.flatMap((model) =>
    PRESETS.filter((preset) => modelNamed(model).presets.includes(preset)).map((preset) => ({
      model,
      preset,
    })),
  )

  test.each(kept)('$preset of $model is what its schema accepts, for grey and colour images', (given) => {
    for (const image of [grey, colour]) {
      const { config } = resolveModel(choice(given), image)
      expect(config).toEqual(modelNamed(given.model).preset(given.preset, image))
      expect(JSON.parse(JSON.stringify(config))).toEqual(config)
    }
  })

  test('changes in the values that are set, and in nothing else', () => {
    const { config } = resolveModel(
      choice({ model: 'vqvae', set: { 'codebook.decay': 0.9, codes: 64, schedule: 'constant' } }),
      grey,
    )
    const before = fast(grey)
    expect(config).toEqual({
      ...before,
      codebook: { ...before.codebook, decay: 0.9 },
      codes: 64,
      schedule: 'constant',
    })
  })

  test('lets go of what belonged to another kind', () => {
    const { config } = resolveModel(choice({ model: 'vqvae', set: { 'codebook.update': 'gradient' } }), grey)
    expect(config).toMatchObject({ codebook: { update: 'gradient' } })
    const ema = { earlyDecay: 0.9, earlySteps: 10, decay: 0.99 }
    const given = Object.fromEntries(Object.entries(ema).map(([name, value]) => [`ema.${name}`, value]))
    expect(resolveModel(choice({ model: 'diffusion', set: given }), grey).config).toMatchObject({ ema })
  })
})

describe('what does not suit is one line', () => {
  test.each<[Partial<ModelChoice>, RegExp]>([
    [
      { set: { latnt: 3 } },
      /^--set latnt \(model vae, preset fast\): got an unknown name.*did you mean latent\?$/,
    ],
    [{ set: { frobnicate: 3 } }, /unknown name, expected one of network, width, hidden/],
    [{ model: 'vqvae', set: { 'codebook.decai': 3 } }, /did you mean codebook\.decay\?/],
    [{ model: 'diffusion', set: { 'ema.halfLif': 0.1 } }, /did you mean ema\.halfLife\?/],
    [{ set: { latent: 'many' } }, /^--set latent .*got "many", expected a number$/],
    [{ set: { latent: 2.5 } }, /got 2\.5, expected a whole number/],
    [{ set: { latent: 0 } }, /got 0, expected at least 1/],
    [{ set: { likelihood: 'poisson' } }, /got "poisson", expected "bernoulli" or "gaussian"/],
    [
      { set: { network: 'residual' } },
      /^--set encoderChannels .*got nothing, expected a list.*add --set encoderChannels=/,
    ],
    [
      { model: 'gan', set: { 'pathLength.weight': 1 } },
      /got pathLength, which is null here.*--set 'pathLength=\{\.\.\.\}'/,
    ],
    [{ model: 'diffusion', set: { groups: 7 } }, /^--set groups .*got 7, expected a divisor of the width/],
    [{ set: { '__proto__.polluted': true } }, /^--set __proto__/],
    [{ model: 'gan', preset: 'ddpm' }, /^--preset: got ddpm, expected fast or paper for model gan$/],
  ])('%j', (given, message) => {
    const attempt = (): unknown => resolveModel(choice(given), grey)
    expect(attempt).toThrow(HandfulError)
    expect(attempt).toThrow(message)
    expect({}).not.toHaveProperty('polluted')
  })
})

test('augmentation suits model and images unless it is chosen', () => {
  const nameOf = (given: Partial<ModelChoice>, image: typeof grey | typeof colour): string =>
    resolveAugmentation(undefined, resolveModel(choice(given), image)).name
  expect([
    nameOf({ model: 'vae' }, grey),
    nameOf({ model: 'vqvae' }, colour),
    nameOf({ model: 'gan' }, grey),
    nameOf({ model: 'diffusion' }, colour),
  ]).toEqual(['shapes', 'photos', 'none', 'none'])
  expect(nameOf({ preset: 'contrastive' }, colour)).toBe('crops')
  expect(nameOf({ preset: 'contrastive' }, grey)).toBe('covered')
  expect(resolveAugmentation('photos', resolveModel(choice({ model: 'gan' }), colour)).options).toMatchObject(
    { mirror: true },
  )
  expect(resolveAugmentation('none', resolveModel(choice({}), grey)).options).toBeNull()
})
