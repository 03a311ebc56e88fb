/** What a user reads when asking for help, and when the command line is wrong. */
import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { closest, editDistance, listAlternatives } from '../../src/errors/suggest.js'
import { jobCommand } from '../../src/jobs/command-entry.js'
import { commands } from '../../src/jobs/commands.js'
import { flag, whole, withDefault } from '../../src/jobs/option.js'
import { handful, type Outcome } from './harness.js'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

describe('help', () => {
  test.each([
    [[]],
    [['--help']],
    [['help']],
    [['fit', '--help']],
    [['help', 'predict']],
    [['report', '-h']],
    ...['pretrain', 'sample', 'reconstruct', 'layers', 'features'].map((name) => [[name, '--help']]),
  ])('of %j goes to stdout, with examples first, within 100 columns', async (args) => {
    const { exit, stdout, stderr } = await handful(args)
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    expect(stdout.indexOf('Examples:')).toBeGreaterThan(0)
    expect(stdout.indexOf('Examples:')).toBeLessThan(stdout.indexOf('Usage:'))
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([])
  })

  test('--version is the bare number', async () => {
    expect(await handful(['--version'])).toEqual({ exit: 0, stdout: '0.1.0\n', stderr: '' })
  })
})

describe('a wrong command line is one line on stderr and exit 2', () => {
  test.each([
    ['fitt', /command: got fitt, expected fit, predict, report, .*; did you mean fit\?/],
    ['frobnicate', /got frobnicate.*see handful --help/],
    ['fit', /got neither a folder nor --dataset.*handful fit --dataset strokes/],
    ['fit --datset mnist', /got --datset.*did you mean --dataset\?/],
    [
      'fit --dataset mnsit',
      /--dataset: got "mnsit", expected strokes, mnist.*did you mean --dataset mnist\?/,
    ],
    ['fit --dataset cifar', /did you mean --dataset cifar10\?/],
    [
      'fit --dataset',
      /option: got --dataset <name> alone, expected a value after it; see handful fit --help/,
    ],
    ['fit a b', /more than the command takes/],
    ['fit a --dataset mnist', /either a folder or a data set/],
    ['fit a --minutes 3 --steps 5', /--steps.*minutes or steps, not both/],
    ['fit a --size 7', /--size: got "7", expected a whole number from 8 to 256/],
    ['fit a --seed -1', /--seed: got "-1", expected a whole number from 0 to 9007199254740991; for example/],
    ['fit a --seed 1.5', /--seed: got "1.5", expected a whole number/],
    ['fit a --minutes nan', /--minutes: got "nan", expected a number above 0/],
    ['fit a --head linea', /did you mean --head linear\?/],
    ['fit a --head svm', /--head: got "svm", expected auto, .* or smoothed-mlp/],
    ['fit --resume', /--resume: got no run/],
    ['fit --resume a --out b', /got a and --out b, expected one folder/],
    ['predict', /got no <run>/],
    ['predict run', /got no <images>/],
    ['report a b', /more than the command takes/],
  ])('handful %s', async (line, message) => {
    const { exit, stdout, stderr } = await handful(line.split(' '))
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(/^error: /)
  })
})

test('one entry makes a command: help, options with defaults, errors, --json and Ctrl-C', async () => {
  const echo = jobCommand({
    name: 'echo',
    summary: 'say a word again',
    description: 'Says a word again and again.',
    usage: '<word> [options]',
    arguments: { word: ['<word>', 'what is said'] },
    options: {
      howOften: withDefault(whole('<n>', 'times', 1, 9), 2),
      loud: flag('in capitals'),
      json: flag('as JSON'),
      quiet: flag('no progress'),
    },
    examples: [{ command: 'handful echo hello', does: 'hello hello' }],
    prepare: ({ word, howOften, loud }) => ({ word: loud ? word.toUpperCase() : word, howOften }),
    run: ({ word, howOften }, { signal }) => {
      signal.throwIfAborted()
      return Promise.resolve(Array<string>(howOften).fill(word))
    },
    show: (said) => ({ json: { said }, lines: [said.join(' ')], messages: ['That is all.'] }),
  })
  const say = (line: string): Promise<Outcome> => handful(line.split(' '), { commands: [echo] })
  expect((await say('--help')).stdout).toMatch(/^ {2}echo \[options\] <word> +say a word again$/m)
  expect((await say('echo --help')).stdout).toMatch(/^ {2}--how-often <n> {2}times \(2\)$/m)
  expect(await say('echo ho')).toEqual({ exit: 0, stdout: 'ho ho\n', stderr: 'That is all.\n' })
  expect((await say('echo ho --loud --how-often 3 --json')).stdout).toBe('{"said":["HO","HO","HO"]}\n')
  expect(await say('echo ho --how-often 10')).toMatchObject({
    exit: 2,
    stderr: 'error: --how-often: got "10", expected a whole number from 1 to 9; for example --how-often 1\n',
  })
  expect((await say('echo ho --lod')).stderr).toMatch(
    /expected an option of handful echo; did you mean --loud\?/,
  )
})

test('no command says twice what it can be told', () => {
  for (const entry of commands.flatMap((each) => ('commands' in each ? each.commands : [each]))) {
    const all = [...Object.keys(entry.arguments ?? {}), ...Object.keys(entry.options)]
    expect(new Set(all).size, entry.name).toBe(all.length)
  }
})

test('did you mean', () => {
  expect(editDistance('ab', 'ba')).toBe(1)
  expect(editDistance('kitten', 'sitting')).toBe(3)
  expect(editDistance('', 'abc')).toBe(3)
  expect(closest('stroke', ['strokes', 'mnist'])).toBe('strokes')
  expect(closest('MNIST', ['strokes', 'mnist'])).toBe('mnist')
  expect(closest('imagenet', ['strokes', 'mnist'])).toBeUndefined()
  expect(listAlternatives(['a', 'b', 'c'])).toBe('a, b or c')
})

describe.skipIf(!existsSync(main))('the built program', () => {
  test('shows help without loading anything heavy', async () => {
    const script = `
      process.argv = ['node', 'handful', '--help']
      await import(${JSON.stringify(main)})
      const loaded = process.report.getReport().sharedObjects.filter((file) => /sharp|onnxruntime/.test(file))
      process.stderr.write(JSON.stringify(loaded))`
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '-e',
      script,
    ])
    expect(stdout).toContain('Examples:')
    expect(stderr).toBe('[]')
  })

  test('begins a study without loading what draws', async () => {
    const heard = `export const load = (url, context, next) => {
      if (/observablehq|linkedom/.test(url)) process._rawDebug(url)
      return next(url, context)
    }`
    const module = (file: string): string => JSON.stringify(new URL(file, pathToFileURL(main)).href)
    const script = `
      import { register } from 'node:module'
      register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(heard)}`)})
      await import(${module('../study/run-study.js')})
      process._rawDebug('begun')
      await import(${module('../draw/plot.js')})`
    const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    const [before, after] = stderr.split('begun')
    expect(before).toBe('')
    expect(after).toContain('observablehq')
  })

  test('shows help within half a second', () => {
    const times = [0, 1, 2].map(() => {
      const start = performance.now()
      expect(spawnSync(process.execPath, [main, 'fit', '--help']).status).toBe(0)
      return performance.now() - start
    })
    expect(Math.min(...times)).toBeLessThan(500)
  })

  test.skipIf(process.platform === 'win32')('is quiet when its reader has gone', () => {
    const command = `"${process.execPath}" "${main}" fit --help | true; "${process.execPath}" "${main}" --help | head -n 1`
    const { stdout, stderr, status } = spawnSync('sh', ['-c', command], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^Learns an image classifier/)
  })
})
