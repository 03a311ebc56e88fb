/**
 * Every example in README and docs works: blocks of code run, command lines are read by the real parser and the command's own
 * checks, and those that take moments are done, on images made here.
 */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CommandContext } from '../../src/cli/context.js'
import { runCommandLine } from '../../src/cli/program.js'
import { Terminal } from '../../src/cli/terminal.js'
import type { Command, CommandGroup, JobCommand } from '../../src/jobs/command-entry.js'
import { commands } from '../../src/jobs/commands.js'
import { writeGreyFolders } from '../cli/image-folders.js'
import { Signals } from '../cli/harness.js'
import { examplesOf, pages, root, type ShownCommand } from './markdown.js'

const found = await Promise.all((await pages()).map(examplesOf))
const blocks = found.flatMap((page) => page.blocks)
const shown = found.flatMap((page) => page.commands)

/** Blocks that are not run here, with the reason. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'docs/export.md': 'run by exports/export-model.test.ts, in Node, a browser and Python',
  'packages/onnx-autodiff/README.md': "files of the engine's examples, run by its own test",
  'docs/library.md:7': 'a list of names; that each is exported is tested below',
}

const withoutPlaces = (text: string): string =>
  text
    .replace(/<date>/g, '2026-11-29')
    .replace(/<(run|folder|set|images)>/g, '$1')
    .replace(/<model>/g, 'vae')
    .replace(/<name>/g, 'reference')
    .replace(/<key>/g, '0123')
    .replace(/<data>/g, 'data')

let folder: string
const before = process.cwd()

beforeAll(async () => {
  // Below the repository, so that what the examples import is found as in a project that has it installed.
  folder = await mkdtemp(path.join(root, 'packages/handful/test/docs/.made-'))
  process.chdir(folder)
  await writeGreyFolders('photos', [
    ['cat', 20],
    ['dog', 190],
  ])
  await writeGreyFolders('more', [['cat', 20]])
  for (const name of ['new', 'new-images']) await cp('more/cat', name, { recursive: true })
  await cp('photos/cat/0.png', 'one.png')
  for (const name of ['a.jpg', 'b.jpg']) await sharp('photos/dog/1.png').jpeg().toFile(`photos/${name}`)
  for (const { name, text } of blocks) if (name !== undefined) await writeFile(name, text)
})
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true, force: true })
})

interface Outcome {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

async function run(
  words: readonly string[],
  entries: readonly (Command | CommandGroup)[] = commands,
): Promise<Outcome> {
  const written = { stdout: '', stderr: '' }
  const environment = {}
  const context: CommandContext = {
    version: '0.1.0',
    commands: entries,
    terminal: new Terminal({
      stdout: { write: (text) => void (written.stdout += text) },
      stderr: { write: (text) => void (written.stderr += text) },
      environment,
      now: () => performance.now() / 1000,
    }),
    signals: new Signals(),
    environment,
    commandLine: ['handful', ...words].join(' '),
    date: () => new Date(2026, 10, 29),
    cores: 1,
  }
  return { exit: await runCommandLine(words, context), ...written }
}

/** An entry that is read and checked as ever, and then does nothing. */
function withoutWork(entry: Command): JobCommand {
  const { name, summary, description, usage, options, examples } = entry
  return {
    ...{ name, summary, description, usage, options, examples, arguments: entry.arguments },
    prepare: async (given, { brought }) => {
      const { resume, out: _, ...typed } = given as Readonly<Record<string, unknown>>
      if (!('schema' in entry) || resume !== undefined) return
      const named = Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== undefined))
      const parsed = (await entry.schema(brought)).safeParse({ threads: 1, ...named })
      if (!parsed.success) throw parsed.error
    },
    run: () => Promise.resolve(undefined),
    show: () => ({ json: {}, lines: [] }),
  }
}

const idle = commands.map((entry) =>
  'commands' in entry ? { ...entry, commands: entry.commands.map(withoutWork) } : withoutWork(entry),
)

const told = ({ file, line, words }: ShownCommand): string => `${file}:${line} handful ${words.join(' ')}`

/** The command that words begin with, of groups too. */
const commandOf = (words: readonly string[]): string =>
  ['data', 'labels'].includes(words[0]) ? words.slice(0, 2).join(' ') : words[0]

test('there are examples to look at', () => {
  expect(blocks.length).toBeGreaterThan(8)
  expect(shown.length).toBeGreaterThan(80)
})

/** A sentence leaves out which images. */
const withImages = ({ words, inline }: ShownCommand): string[] =>
  inline && words.join(' ') === 'pretrain --model vae --preset contrastive'
    ? [...words, '--dataset', 'mnist']
    : words.map(withoutPlaces)

test.each(shown.map((each) => [told(each), each] as const))('%s is a command line', async (_, each) => {
  const { exit, stderr } = await run(withImages(each), idle)
  expect(stderr).toBe('')
  expect(exit).toBe(0)
})

test('the parser that they are held to refuses what there is not', async () => {
  for (const words of [
    ['fit', 'photos', '--lables', '3'],
    ['fitt', 'photos'],
    ['fit', 'photos', '--head', 'mpl'],
  ])
    expect((await run(words, idle)).exit).toBe(2)
  expect((await run(['fit', '--dataset', 'strokes', '--steps', '0'], idle)).exit).not.toBe(0)
})

const names = /import\s+(type\s+)?\{([^}]*)\}\s+from\s+'(handful|onnx-autodiff)'/g

test('what examples import is exported', async () => {
  const packages: Readonly<Record<string, object>> = {
    handful: await import('../../src/index.js'),
    'onnx-autodiff': await import('onnx-autodiff'),
  }
  const missing = blocks.flatMap(({ file, text }) =>
    [...text.matchAll(names)].flatMap(([, isType, list, from]) =>
      list
        .split(',')
        .map((each) => each.trim())
        .filter((name) => isType === undefined && name !== '' && !name.startsWith('type '))
        .filter((name) => !(name in packages[from]))
        .map((name) => `${file}: ${name} of ${from}`),
    ),
  )
  expect(missing).toEqual([])
})

/** Minutes of training become moments, whatever is trained. */
const SMALL =
  "steps: 2, patches: 4, threads: 1, size: 12, model: 'vae', preset: 'fast', set: { width: 4, hidden: 8, latent: 3, batch: 4 }"

const runnable = blocks.filter(
  ({ file, line, language }) =>
    ['ts', 'js'].includes(language) &&
    ELSEWHERE[file] === undefined &&
    ELSEWHERE[`${file}:${line}`] === undefined,
)

test('blocks of TypeScript and JavaScript run, from training to predictions', async () => {
  expect(runnable.length).toBeGreaterThan(4)
  // Those that train before those that take what was trained.
  const trains = ({ text }: { readonly text: string }): number => Number(!text.includes('runFit('))
  for (const { file, line, language, text } of runnable.toSorted((a, b) => trains(a) - trains(b))) {
    const small = text
      .replace('minutes: 10', SMALL)
      .replace('date: new Date()', 'date: new Date(2026, 10, 29)')
    const name = path.join(folder, `${file.replace(/\W/g, '-')}-${line}.${language}`)
    await writeFile(name, small)
    try {
      await import(/* @vite-ignore */ pathToFileURL(name).href)
    } catch (error) {
      throw new Error(`${file}:${line}: ${String(error)}`, { cause: error })
    }
    if (file === 'docs/library.md')
      for (const run of ['runs/photos', 'runs/digits', 'runs/run'])
        await cp('runs/2026-11-29-photos', run, { recursive: true })
  }
  expect(await readFile('runs/2026-11-29-own/config.yaml', 'utf8')).toContain('class-means')
}, 120_000)

/** What is done here: it takes moments on a run that is there. The others train for minutes, or need sets that are not made here. */
const DONE =
  /^(predict|report|suggest|labels set|refit|sample|layers|export|verify|data list|completion|features runs)/
/** Asks for what is not made here. */
const NOT_HERE = /--embeddings|<run>|--model diffusion/

const withoutRun = (words: readonly string[]): string => words.join(' ').replace(/runs\/\S+/, 'runs')

describe('commands that take moments', () => {
  const quick = shown.filter(({ words }) => DONE.test(words.join(' ')) && !NOT_HERE.test(words.join(' ')))
  const once = quick.filter(
    ({ words }, i) =>
      words.length > 1 && quick.findIndex((other) => withoutRun(other.words) === withoutRun(words)) === i,
  )

  test.each(once.map((each) => [told(each), each] as const))('%s works', async (_, { words }) => {
    const typed = words.map(withoutPlaces)
    const threads = ['completion', 'layers', 'labels set', 'data list', 'report'].includes(commandOf(typed))
    const { exit, stderr } = await run([...typed, ...(threads ? [] : ['--threads', '1'])])
    expect({ exit, stderr: exit === 0 ? '' : stderr }).toEqual({ exit: 0, stderr: '' })
  })
})

describe('commands with plugins', () => {
  const small = ['--threads', '1', '--quiet']
  const fitted = ['--model', 'none', '--patches', '4', '--draws', '1', '--size', '12', ...small]
  const more: Readonly<Record<string, readonly string[]>> = {
    fit: fitted,
    pretrain: ['--size', '12', '--steps', '4', ...small],
    study: [
      '--size',
      '12',
      '--labels',
      '1',
      '--draws',
      '1',
      '--heads',
      'linear',
      '--without',
      'maps,atlas',
      ...small,
    ],
  }
  const own = shown.filter(({ file, words }) => file === 'docs/plugins.md' && words.includes('--plugin'))

  test.each(own.map((each, i) => [told(each), each, i] as const))('%s works', async (_, { words }, i) => {
    const given = words[0] === 'pretrain' ? words.slice(0, words.indexOf('--steps')) : words
    const out = `plugin-${i}`
    const { exit, stderr } = await run([...given, ...more[words[0]], '--out', out])
    expect({ exit, stderr: exit === 0 ? '' : stderr }).toEqual({ exit: 0, stderr: '' })
    const config = await readFile(path.join(out, words[0] === 'study' ? 'study.yaml' : 'config.yaml'), 'utf8')
    expect(config).toMatch(/plugins:\n {2}- file: .*\.js\n {4}sha256: [0-9a-f]{64}\n/)
    if (words[0] !== 'study') return
    const { cells } = JSON.parse(await readFile(path.join(out, 'study.json'), 'utf8')) as {
      cells: { method: string; head: string }[]
    }
    expect(cells).toContainEqual(expect.objectContaining({ method: 'tiles+pixels', head: 'class-means' }))
  })
})

describe('a run that was made with a plugin', () => {
  const run1 = ['--threads', '1', '--quiet']

  test('says what is missing, and works with it', async () => {
    await mkdir('moved', { recursive: true })
    await cp('tiles.js', 'moved/elsewhere.js')
    const out = 'plugin-1'
    const without = await run(['predict', out, 'new', ...run1])
    expect(without.exit).toBe(2)
    expect(without.stderr).toMatch(
      /^error: plugin \(plugin-1\): got none with method tiles, expected the plugin .*tiles\.js \(SHA-256 \w{12}/,
    )
    // The content counts, not the place.
    const found = await run(['predict', out, 'new', '--plugin', 'moved/elsewhere.js', ...run1])
    expect(found).toMatchObject({ exit: 0, stderr: '' })
    expect(found.stdout.split('\n')).toHaveLength(10)
    expect(
      (await run(['export', out, '--out', 'tiles.onnx', '--plugin', 'tiles.js', ...run1])).stderr,
    ).toMatch(/export \(plugin-1\): got a run with features of the method tiles/)
    // A head's parameters are in the run.
    expect((await run(['predict', 'plugin-0', 'new', ...run1])).exit).toBe(0)
    expect((await run(['refit', 'plugin-0', ...run1])).stderr).toMatch(/got none with head class-means/)
    const refitted = await run(['refit', 'plugin-0', '--plugin', 'class-means.js', '--json', ...run1])
    expect(refitted).toMatchObject({ exit: 0 })
    expect(refitted.stdout).toContain('class means')
    expect((await run(['layers', 'plugin-2'])).stderr).toMatch(/got none with model small-autoencoder/)
    expect((await run(['layers', 'plugin-2', '--plugin', 'small-autoencoder.js'])).stdout).toContain('hidden')
  })

  test('is gone on with by the same content alone', async () => {
    await writeFile('other.js', `${await readFile('tiles.js', 'utf8')}\n`)
    const resume = ['fit', '--resume', 'plugin-1', ...run1]
    expect((await run(resume)).stderr).toMatch(/got none with method tiles/)
    expect((await run([...resume, '--plugin', 'other.js'])).stderr).toMatch(/--plugin .*got another content/)
    expect((await run([...resume, '--plugin', 'tiles.js'])).exit).toBe(0)
    const changed = await run(['predict', 'plugin-1', 'new', '--plugin', 'other.js', ...run1])
    expect([changed.exit, changed.stderr]).toEqual([0, expect.stringMatching(/has changed since plugin-1/)])
  })
})

test.each([
  ['missing.js', undefined, /^error: plugin \(.*missing\.js\): got nothing there/],
  [
    'throws.js',
    "throw new Error('fell\\nover')",
    /^error: plugin \(.*throws\.js\): got an error: fell\\nover\n$/,
  ],
  ['syntax.js', 'export default {', /^error: plugin \(.*syntax\.js\): got an error: /],
  ['none.js', 'export const heads = {}', /none\.js\): got no default export, expected a default export with/],
  ['empty.js', 'export default {}', /empty\.js\): got an object without anything, expected a default export/],
  ['word.js', 'export default { head: {} }', /word\.js\): got a default export with head, expected/],
  [
    'taken.js',
    'export default { heads: { mlp: () => ({}) } }',
    /head "mlp" \(.*taken\.js\): got a name that is taken/,
  ],
  [
    'named.js',
    "export default { heads: { 'a b': () => ({}) } }",
    /head "a b" \(.*named\.js\): got such a name/,
  ],
  [
    'number.js',
    'export default { heads: { own: () => 1 } }',
    /head "own" \(.*number\.js\): got a number, expected a head/,
  ],
  [
    'model.js',
    'export default { models: { own: {} } }',
    /model "own" \(.*model\.js\): got an object without anything/,
  ],
  [
    'rows.js',
    `const source = { columns: 2, extract: async () => ({ rows: 1, columns: 2, data: new Float32Array(2) }) }
     const open = async () => source
     export default { methods: [{ id: 'own', title: 'own', kind: 'outside', settings: {}, open, reopen: open }] }`,
    /method "own" \(.*rows\.js\): got 1 x 2 numbers, expected \d+ x 2 numbers, a row for each image/,
  ],
  [
    'once.js',
    `const open = async () => { throw new TypeError('not today') }
     export default { methods: [{ id: 'own', title: 'own', kind: 'outside', settings: {}, open, reopen: open }] }`,
    /method "own" \(.*once\.js\): got an error: not today/,
  ],
  [
    'differs.js',
    `import head from './class-means.js'
     const make = head.heads['class-means']
     const half = ({ rows, columns }) => ({ rows, columns, data: new Float32Array(rows * columns).fill(1 / columns) })
     const fit = async (problem) => ({ ...(await make().fit(problem)), predict: async (rows) => half({ ...rows, columns: 2 }) })
     export default { heads: { own: () => ({ name: 'own', fit }) } }`,
    /head "own" \(.*differs\.js\): got parameters that give other probabilities than predict/,
  ],
])('%s is told with its name', async (file, text, message) => {
  if (text !== undefined) await writeFile(file, text)
  const fit = ['fit', 'photos', '--model', 'none', '--patches', '4', '--draws', '1', '--size', '12']
  if (text?.includes('heads: { own') === true) fit.push('--head', 'own')
  const { exit, stderr } = await run([
    ...fit,
    '--plugin',
    file,
    '--threads',
    '1',
    '--quiet',
    '--out',
    `of-${file}`,
  ])
  expect(exit).toBeGreaterThan(0)
  expect(stderr.split('\n').find((line) => line.startsWith('error: ')) + '\n').toMatch(message)
})

test('two plugins that have one name are told by both files', async () => {
  await cp('class-means.js', 'copy.js')
  const plugins = ['class-means.js', 'copy.js'].flatMap((file) => ['--plugin', file])
  const { stderr } = await run(['fit', 'photos', ...plugins])
  expect(stderr).toMatch(/head "class-means" \(.*copy\.js\): got a name that .*class-means\.js has too/)
})
