/**
 * Both packages as others get them: packed, installed into an empty project by plain npm, used from there. The engine is
 * packed without the libraries of other systems, which only take time here.
 */
import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, test } from 'vitest'

const MINUTES = 60_000
const packages = path.join(import.meta.dirname, '../../..')
const onWindows = process.platform === 'win32'
/** What is set by the npm that runs these tests is no setting of the one that installs here. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_(config_(?!registry|cache)|package|lifecycle)|^INIT_CWD$/i.test(name),
  ),
)
let parent: string

beforeAll(async () => {
  parent = await mkdtemp(path.join(os.tmpdir(), 'handful-package-'))
})
afterAll(() => rm(parent, { recursive: true, force: true }))

async function call(command: string, args: readonly string[], cwd: string): Promise<string> {
  const options = { cwd, env: environment, shell: onWindows, maxBuffer: 2 ** 26 }
  return (await promisify(execFile)(command, [...args], options)).stdout
}

/** @returns the tarball */
async function pack(folder: string): Promise<string> {
  const [{ filename }] = JSON.parse(
    await call('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', parent], folder),
  ) as { filename: string }[]
  return path.join(parent, filename)
}

/** The engine's package with the libraries of this system alone. */
async function engineHere(): Promise<string> {
  const from = path.join(packages, 'onnx-autodiff')
  const folder = path.join(parent, 'onnx-autodiff')
  const own = path.join('napi-v6', process.platform, process.arch)
  await cp(from, folder, {
    recursive: true,
    filter: (file) => {
      const [, library] = file.split(`onnxruntime${path.sep}bin${path.sep}`)
      if (file.includes('node_modules') && file.startsWith(path.join(from, 'node_modules'))) return false
      return library === undefined || own.startsWith(library) || library.startsWith(own)
    },
  })
  return folder
}

async function filesOf(folder: string): Promise<string[]> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true })
  return all.filter((file) => file.isFile()).map((file) => path.join(file.parentPath, file.name))
}

/** What the studio's address answers with once its token has become a cookie. */
async function studioPage(main: string, cwd: string): Promise<{ page: string; script: string }> {
  const child = spawn('node', [main, 'studio', '--no-open', '--port', '0'], { cwd, env: environment })
  try {
    const address = await new Promise<string>((resolve, reject) => {
      let [said, wrong] = ['', '']
      child.stdout.on('data', (text: Buffer) => {
        said += text.toString()
        if (said.endsWith('\n')) resolve(said.trim())
      })
      child.stderr.on('data', (text: Buffer) => (wrong += text.toString()))
      child.on('close', (code) => reject(new Error(`studio ended with ${code}: ${wrong}`)))
    })
    const first = await fetch(address, { redirect: 'manual' })
    const headers = { cookie: first.headers.getSetCookie()[0].split(';')[0] }
    const get = async (where: string): Promise<string> => {
      const answer = await fetch(new URL(where, address), { headers })
      expect(answer.status).toBe(200)
      return answer.text()
    }
    const page = await get('/')
    return { page, script: await get(/<script[^>]* src="([^"]+)"/.exec(page)?.[1] ?? 'no script') }
  } finally {
    child.kill()
  }
}

test(
  'packed, installed by npm into an empty project, trained and asked',
  { timeout: 5 * MINUTES },
  async ({ skip }) => {
    const tarballs = [await pack(await engineHere()), await pack(path.join(packages, 'handful'))]
    const project = path.join(parent, 'project')
    await mkdir(project)
    await writeFile(
      path.join(project, 'package.json'),
      '{ "name": "project", "version": "1.0.0", "private": true }',
    )
    try {
      await call('npm', ['view', 'zod', 'name', '--fetch-retries=0', '--fetch-timeout=10000'], project)
    } catch {
      skip('the npm registry is out of reach')
    }
    await call('npm', ['install', ...tarballs], project)

    const installed = path.join(project, 'node_modules')
    for (const name of ['handful', 'onnx-autodiff']) {
      const folder = path.join(installed, name)
      const files = await filesOf(folder)
      const names = files.map((file) => path.relative(folder, file).split(path.sep).join('/'))
      expect(names).toEqual(
        expect.arrayContaining(['README.md', 'LICENSE', 'package.json', 'dist/index.d.ts']),
      )
      expect(names.filter((file) => file.endsWith('.tsbuildinfo') || file.startsWith('test/'))).toEqual([])
      // A debugger finds what each map speaks of.
      const there = new Set(files)
      const missing: string[] = []
      for (const file of files.filter((each) => each.endsWith('.map'))) {
        const { sources } = JSON.parse(await readFile(file, 'utf8')) as { sources: string[] }
        for (const source of sources) {
          if (!there.has(path.resolve(path.dirname(file), source))) missing.push(source)
        }
      }
      expect(missing).toEqual([])
      // Entries, types and formats are what package.json says.
      expect((await publint({ pkgDir: folder, pack: false, strict: true })).messages).toEqual([])
    }

    const handful = (...args: string[]): Promise<string> =>
      call('node', [path.join(installed, 'handful/dist/cli/main.js'), ...args], project)
    const small = ['--count', '100', '--steps', '2', '--patches', '0', '--draws', '1', '--threads', '1']
    await handful('fit', '--dataset', 'strokes', ...small, '--out', 'run', '--quiet')
    const [header, ...rows] = (await readFile(path.join(project, 'run/predictions.csv'), 'utf8'))
      .trim()
      .split('\n')
    expect(header).toContain('predicted')
    expect(rows.length).toBeGreaterThanOrEqual(100)
    // The page that an exported model is put into comes with the package.
    await handful('export', 'run', '--out', 'digits.onnx', '--quiet')
    expect(await readdir(project)).toContain('digits.onnx')
    expect(await readdir(path.join(installed, 'handful/dist/page'))).toContain('index.html')

    const studio = await studioPage(path.join(installed, 'handful/dist/cli/main.js'), project)
    expect(studio.page).toMatch(/^<!doctype html>/i)
    expect(studio.script.length).toBeGreaterThan(10_000)

    // CommonJS, with images in memory.
    const script = `
    const { runPredict, silentProgress } = require('handful')
    const black = { height: 28, width: 28, channels: 1, pixels: new Uint8Array(784) }
    const context = { signal: new AbortController().signal, progress: silentProgress }
    runPredict({ run: 'run', images: [black, black], threads: 1 }, context)
      .then(({ predictions }) => console.log(JSON.stringify(predictions)))`
    await writeFile(path.join(project, 'ask.cjs'), script)
    const asked = JSON.parse(await call('node', ['ask.cjs'], project)) as Record<string, unknown>[]
    expect(asked.map((each) => each.path)).toEqual(['image 1', 'image 2'])
    expect(asked[0]).toMatchObject({
      predicted: expect.stringMatching(/^\d$/),
      probability: asked[1].probability,
    })
  },
)
