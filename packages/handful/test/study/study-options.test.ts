/** What a study can be told, and how it says that it was told wrong. */
import { describe, expect, test } from 'vitest'
import { networkSettings } from '../../src/study/cells.js'
import { isGenerative, resolveMethods } from '../../src/study/methods.js'
import { parseDuration, parseStudyOptions } from '../../src/study/study-options.js'
import { tiny } from './study-support.js'

const parse = (value: object) => () =>
  parseStudyOptions({ dataset: 'mnist', threads: 2, ...value }, 'study.yaml')

describe('options', () => {
  test('have defaults for everything', () => {
    const options = parse({})()
    expect(options.labels).toEqual([1, 2, 4, 8, 12, 16, 32, 64, 128, 256, 'all'])
    expect(options.heads).toEqual(['auto', 'mlp', 'compact-mlp', 'smoothed-mlp', 'propagation', 'linear'])
    expect([options.draws, options.supervised.draws]).toEqual([20, 5])
    expect(options.models.contrastive).toEqual({ preset: 'fast', set: {}, features: {} })
    expect(options.models.gan).toEqual({ preset: 'fast', set: {}, features: {} })
    // What --print-config prints is the same options again.
    expect(parse(JSON.parse(JSON.stringify(options)) as object)()).toEqual(options)
  })

  test('give each supervised network what it is best with, unless they say one thing for both', () => {
    const networks = (supervised: object) => {
      const options = parse({ supervised })().supervised
      return options.stems.map((stem) => {
        const { config, augment } = networkSettings(stem, options)
        return [stem, config.width, augment, config.emaHalfLife]
      })
    }
    expect(networks({})).toEqual([
      ['imagenet', 64, 'crops', undefined],
      ['small', 24, 'crops', 0.02],
    ])
    expect(networks({ width: 8, augment: 'none', stems: ['small'] })).toEqual([['small', 8, 'none', 0.02]])
  })

  test.each([
    [{ method: ['vae'] }, /^option method \(study.yaml\): got an unknown name; did you mean methods\?$/],
    [{ models: { vea: {} } }, /^option models.vea \(study.yaml\).*did you mean vae\?/],
    [{ models: { vae: { minuets: 3 } } }, /^option models.vae.minuets .*did you mean minutes\?/],
    [{ supervised: { drwas: 3 } }, /^option supervised.drwas .*did you mean draws\?/],
    [{ frobnicate: 1 }, /^option frobnicate .*expected one of command, folder, dataset/],
    [{ heads: ['linera'] }, /^option heads.0 .*got "linera".*did you mean linear\?/],
    [{ dataset: 'mnsit' }, /^option dataset .*did you mean mnist\?/],
    [{ draws: 0 }, /^option draws .*got 0, expected .*>=1/],
    [{ labels: [1, 'every'] }, /^option labels.1 /],
    [{ budget: 'soon' }, /^option budget .*got "soon", expected a time such as 90s, 30m or 1h30m/],
    [{ folder: 'photos' }, /either a folder or a data set/],
    [{ models: { vae: { minutes: 1, steps: 1 } } }, /minutes or steps, not both/],
  ])('%j are refused in one line', (value, message) => {
    expect(parse(value)).toThrow(message)
    try {
      parse(value)()
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 2 })
      expect(String(error)).not.toContain('\n')
    }
  })

  test('times are read', () => {
    expect(['90s', '30m', '2h', '1h30m', '1.5h'].map(parseDuration)).toEqual([90, 1800, 7200, 5400, 5400])
    expect(['', '30', 'm', '1d', '0s', '-5m'].map(parseDuration)).toEqual(Array(6).fill(undefined))
  })
})

describe('methods', () => {
  const ids = (...methods: string[]) =>
    resolveMethods(tiny({ methods })).map(({ id, kind }) => `${id} ${kind}`)

  test('always have raw pixels among them', () => {
    expect(ids('vae')).toEqual(['pixels baseline', 'vae generative'])
    expect(ids('vae', 'pixels')).toEqual(['vae generative', 'pixels baseline'])
  })

  test('are contrastive where views are compared, alone and as parts, and then generative no more', () => {
    const found = resolveMethods(tiny({ methods: ['vae', 'vae+patches'] }), [], new Set(['vae']))
    expect(found.map(({ kind, title }) => `${kind}: ${title}`)).toEqual([
      'baseline: raw pixels',
      'contrastive: contrastive with a decoder',
      'combination: contrastive with a decoder + whitened patches',
    ])
  })

  test('have generative features where a model that only generates or reconstructs is one of them, or a part', () => {
    const generative = (methods: string[], contrastive: string[] = []): boolean =>
      resolveMethods(tiny({ methods }), [], new Set(contrastive)).some(isGenerative)
    expect(generative(['vae'])).toBe(true)
    expect(generative(['patches+vae'])).toBe(true)
    expect(generative(['patches', 'resnet18', 'fixmatch'])).toBe(false)
    expect(generative(['vae', 'vae+patches'], ['vae'])).toBe(false)
    expect(generative(['contrastive+patches', 'vae+contrastive'], ['contrastive'])).toBe(true)
  })

  test('a preset goes by its former name too', () => {
    expect(tiny({ models: { vae: { preset: 'invariant' } } }).models.vae.preset).toBe('contrastive')
  })

  test('headlines are with one head of those that are fitted', () => {
    expect(tiny({ heads: ['mlp', 'linear'], headline: 'linear' }).headline).toBe('linear')
    expect(() => tiny({ heads: ['mlp'], headline: 'linear' })).toThrow(/headline.*one of heads/)
  })

  test('combine', () => {
    expect(ids('vae+patches')).toEqual(['pixels baseline', 'vae+patches combination'])
    expect(resolveMethods(tiny({ methods: ['vae+patches'] }))[1]).toMatchObject({
      title: 'VAE + whitened patches',
      parts: ['vae', 'patches'],
    })
  })

  test.each([
    ['vea', /methods: got "vea".*did you mean vae\?/],
    ['vae+pathces', /methods \("vae\+pathces"\): got "pathces".*did you mean patches\?/],
    ['vae+vae', /a method twice/],
    ['vae+resnet18', /a supervised network/],
  ])('%s is refused', (name, message) => {
    expect(() => ids(name)).toThrow(message)
  })
})
