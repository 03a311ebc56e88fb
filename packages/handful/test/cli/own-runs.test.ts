/** Runs among the images, runs that come to nothing, and runs seen from another folder. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDataset } from '../../src/data/open.js'
import { openImages } from '../../src/data/open-images.js'
import { locateImages, recordImages, surveyImages } from '../../src/runs/image-record.js'
import { RunFolder } from '../../src/runs/run-folder.js'
import { callersFolder } from '../../src/cli/callers-folder.js'
import { Terminal } from '../../src/cli/terminal.js'
import { ownCommand } from '../../src/errors/shell.js'
import { failure } from '../data/support.js'
import { handful } from './harness.js'
import { writeGreyFolders } from './image-folders.js'

let parent: string
let photos: string
beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-own-'))
  photos = path.join(parent, 'photos')
  await writeGreyFolders(photos, [
    ['dark', 20],
    ['light', 190],
  ])
})
afterEach(() => rm(parent, { recursive: true }))

const run = (folder: string | undefined, below: string) =>
  RunFolder.create({ folder, parent: below, name: 'x', date: new Date(), config: {}, environment: {} })

const open = () => openDataset({ folder: photos, size: 12, seed: 0 })

describe('runs below the images', () => {
  test('are passed over wherever they lie, and said', async () => {
    const runs = [
      await run(undefined, path.join(photos, 'runs')),
      await run(path.join(photos, 'dark/deep/mine'), ''),
    ]
    for (const each of runs) {
      await each.writeFile('samples/a.png', await readFile(path.join(photos, 'dark/0.png')))
      await each.close()
    }
    const data = await open()
    expect(data.train.count).toBe(16)
    expect(data.train.classNames).toEqual(['dark', 'light'])
    expect(data.notes[0]).toMatch(/^passed over, as handful wrote them: "dark\/deep\/mine" and "runs\/.*-x"$/)
    const { images } = await openImages([photos], { size: 12, fit: 'cover', channels: 1 })
    expect(images.count).toBe(16)
  })

  test('of an older version are known by what they hold, and an empty runs/ is no class', async () => {
    const old = path.join(photos, 'old')
    await mkdir(path.join(old, 'samples'), { recursive: true })
    await mkdir(path.join(photos, 'runs'))
    for (const name of ['config.yaml', 'env.json', 'samples/a.png'])
      await writeFile(path.join(old, name), 'x')
    const data = await open()
    expect(data.train.classNames).toEqual(['dark', 'light'])
    expect(data.notes).toEqual(['passed over, as handful wrote them: "old"'])
  })

  test('are no images to begin with', async () => {
    const own = await run(path.join(parent, 'run'), '')
    await own.close()
    const error = await failure(() => openDataset({ folder: own.folder, size: 12, seed: 0 }))
    expect(error.message).toMatch(/got a folder that handful has written, expected a folder of images/)
  })

  test('are those of fit, into a folder there that is empty', async () => {
    const out = path.join(photos, 'out')
    await mkdir(out)
    const { exit, stderr } = await handful(['fit', photos, '--out', out])
    expect(stderr).toContain('Run folder')
    expect(exit).toBe(0)
    expect(await readdir(out)).toContain('.handful-run')
    expect((await open()).train.count).toBe(16)
  })
})

describe('a run that fails at once', () => {
  test.each([
    ['an empty folder', async () => mkdir(path.join(parent, 'empty')).then(() => 'empty')],
    ['a folder that is not there', async () => Promise.resolve('nowhere')],
    [
      'labels of no file',
      async () => {
        await writeFile(path.join(photos, 'labels.csv'), 'file_name,label\nnope.png,x\n')
        return 'photos'
      },
    ],
  ])('for %s makes nothing, not even the folders above', async (_, make) => {
    const folder = path.join(parent, await make())
    const before = await readdir(parent)
    const { exit, stderr } = await handful(['fit', folder, '--out', path.join(parent, 'a/b/run')])
    expect(exit).toBe(1)
    expect(stderr).toMatch(/^error: /)
    expect(await readdir(parent)).toEqual(before)
  })

  test('after its folder was made takes away what it made, and nothing else', async () => {
    const job = () => Promise.reject(new Error('x: got y, expected z'))
    const out = path.join(parent, 'a/b/run')
    await handful(['fit', photos, '--out', out], { fit: job })
    expect(await readdir(parent)).toEqual(['photos'])
    await mkdir(path.join(parent, 'a'))
    await handful(['fit', photos, '--out', out], { fit: job })
    expect(await readdir(path.join(parent, 'a'))).toEqual([])
  })
})

describe('the images of a run', () => {
  const recorded = async (): Promise<string> => {
    const own = await run(path.join(parent, 'run'), '')
    await recordImages(own, photos, await surveyImages(photos))
    await own.close()
    return own.folder
  }

  test('are found by their full path, or beside the run where both were moved', async () => {
    const folder = await recorded()
    expect(await locateImages(folder, 'photos', 'hint')).toBe(photos)
    const moved = path.join(parent, 'moved')
    await mkdir(moved)
    await rename(photos, path.join(moved, 'photos'))
    await rename(folder, path.join(moved, 'run'))
    expect(await locateImages(path.join(moved, 'run'), 'photos', 'hint')).toBe(path.join(moved, 'photos'))
  })

  test('are never others of the same name', async () => {
    const folder = await recorded()
    const others = path.join(parent, 'else/photos')
    await cp(photos, others, { recursive: true })
    expect(await locateImages(folder, others, 'hint')).toBe(others)
    await rm(photos, { recursive: true })
    await writeFile(path.join(others, 'dark/0.png'), 'changed')
    const changed = await failure(() => locateImages(folder, others, 'give them'))
    expect(changed.message).toBe(
      `images of the run (${folder}): got files of the same names with other content in ${others}, ` +
        `expected the 16 files of ${photos} as they were when the run was made; give them`,
    )
    await rm(path.join(others, 'dark/0.png'))
    expect((await failure(() => locateImages(folder, others, 'x'))).message).toContain(
      `got 15 files in ${others}`,
    )
    await rm(others, { recursive: true })
    const gone = await failure(() => locateImages(folder, others, 'x'))
    expect(gone.message).toContain(`got nothing at ${others} or ${photos}`)
  })

  test('stay the same when a table is put beside them', async () => {
    const folder = await recorded()
    await writeFile(path.join(photos, 'predictions.csv'), 'file_name,label\n')
    expect(await locateImages(folder, photos, 'x')).toBe(photos)
  })

  test('are where --resume looks, from any folder', async () => {
    const out = path.join(parent, 'run')
    const seen: (string | undefined)[] = []
    const fit = async (options: { folder?: string }, { run: own }: { run: RunFolder }) => {
      seen.push(options.folder)
      await own.store.write({ kind: 'train', name: 'train', key: 'key' }, null, 1)
      throw new Error('x: got y, expected z')
    }
    const relative = path.relative(process.cwd(), photos)
    await handful(['fit', relative, '--out', out], { fit })
    await handful(['fit', '--resume', out], { fit })
    expect((await handful(['fit', photos, '--resume', out], { fit })).stderr).not.toContain('folder: got')
    expect(seen).toEqual([relative, relative, relative])
    await writeFile(path.join(out, 'config.yaml'), 'folder: photos\nthreads: 1\n')
    await handful(['fit', '--resume', out], { fit })
    expect(seen.at(-1)).toBe(photos)
    await rm(path.join(photos, 'dark/0.png'))
    const { exit, stderr } = await handful(['fit', '--resume', out], { fit })
    expect(exit).toBe(1)
    expect(stderr).toContain(`got 15 files in ${photos}, expected the 16 files of ${photos} as they were`)
  })
})

test('a working folder that was deleted is said in one line', { timeout: 60_000 }, async () => {
  const main = path.resolve(import.meta.dirname, '../../dist/cli/main.js')
  const script = `mkdir gone && cd gone && rmdir ../gone && "$0" "$1" data stats ${JSON.stringify(photos)}`
  const failed = promisify(execFile)('sh', ['-c', script, process.execPath, main], { cwd: parent })
  await expect(failed).rejects.toMatchObject({
    code: 1,
    stderr:
      'error: working folder: got one that was deleted, expected one that is there; change to another\n',
  })
})

describe('npm', () => {
  const script = {
    npm_lifecycle_event: 'handful',
    npm_package_name: 'handful-workspace',
    npm_package_json: '/checkout/package.json',
    npm_config_local_prefix: '/checkout',
  }

  test('passes the caller on for this script alone', () => {
    const called = (more: Record<string, string>, current = '/checkout') =>
      callersFolder({ ...script, INIT_CWD: '/home/me', ...more }, current)
    expect(called({})).toBe('/home/me')
    expect(called({ INIT_CWD: '/checkout/photos' })).toBe('/checkout/photos')
    expect(called({ INIT_CWD: '/checkout' })).toBeUndefined()
    expect(called({ npm_lifecycle_event: 'test' })).toBeUndefined()
    expect(called({ npm_package_name: 'theirs' })).toBeUndefined()
    expect(called({}, '/elsewhere')).toBeUndefined()
    expect(callersFolder({}, '/checkout')).toBeUndefined()
  })

  test('is suggested as it was called', () => {
    expect(ownCommand({ ...script, INIT_CWD: '/checkout/photos' })).toBe('npm run handful --')
    expect(ownCommand({ ...script, INIT_CWD: '/home/me' })).toBe('npm --prefix /checkout run handful --')
    expect(ownCommand({})).toBe('handful')
  })

  test('with --prefix means the folder where it was called', { timeout: 60_000 }, async () => {
    const main = path.resolve(import.meta.dirname, '../../dist/cli/main.js')
    const checkout = path.join(parent, 'checkout')
    await mkdir(checkout)
    await writeFile(
      path.join(checkout, 'package.json'),
      JSON.stringify({ name: 'handful-workspace', scripts: { handful: `node ${main}` } }),
    )
    const { stdout } = await promisify(execFile)(
      'npm',
      [
        '--silent',
        '--prefix',
        checkout,
        'run',
        'handful',
        '--',
        'data',
        'stats',
        'photos',
        '--json',
        '--quiet',
      ],
      { cwd: parent },
    )
    expect(stdout).toContain('"light"')
  })
})

describe('a terminal', () => {
  const written = (isTTY: boolean) => {
    const text = { out: '', err: '' }
    const terminal = new Terminal({
      stdout: { write: (part) => void (text.out += part), isTTY },
      stderr: { write: (part) => void (text.err += part), isTTY },
      environment: { FORCE_COLOR: '1' },
      now: () => 0,
    })
    return { text, terminal }
  }

  test('gets no control character of a name, but our colours and line ends', () => {
    const { text, terminal } = written(true)
    terminal.message(`${terminal.style('error:', 'red')} \u001b]0;title\u0007 \u009b31m\u202egnp.exe\nnext`)
    expect(text.err).toBe('\u001b[31merror:\u001b[0m \\u001b]0;title\\u0007 \\u009b31m\\u202egnp.exe\nnext\n')
    terminal.data('a\u001b[2Jb')
    expect(text.out).toBe('a\\u001b[2Jb\n')
  })

  test('that is a file gets data as they are', () => {
    const { text, terminal } = written(false)
    terminal.data('a\u001b[2Jb')
    expect(text.out).toBe('a\u001b[2Jb\n')
  })
})
