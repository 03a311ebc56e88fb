/** A run taken away: the files, what they say, how they are checked, and the lines of the documentation that run them. */
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { decodeModel, decodeSafetensors, encodeSafetensors } from 'onnx-autodiff'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exportModel } from '../../src/exports/export-model.js'
import { SNIPPETS } from '../../src/exports/snippets.js'
import { silentProgress } from '../../src/training/progress.js'
import { runPredict } from '../../src/jobs/predict/run.js'
import { handful } from '../cli/harness.js'
import { CHROMIUM_NEEDED, hasChromium, openChromium } from './chromium.js'
import { drawnImages, heads, makeRun } from './make-run.js'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const context = { signal: new AbortController().signal, progress: silentProgress }
const options = { date: new Date(Date.UTC(2026, 4, 4)), threads: 1, device: 'cpu' }
const execute = promisify(execFile)

let parent: string
let run: string
let folder: string
let model: string
/** An image of the model's own size, and what predict says of it. */
let photo: string
let predicted: string

const predict = async (image: string): Promise<string> => {
  const { predictions } = await runPredict(
    { run, images: [image], threads: 1, device: 'cpu' },
    { ...context },
  )
  return `${predictions[0].predicted} ${predictions[0].probability.toFixed(4)}`
}

const colours = { size: 12, channels: 3 } as const
const hostile = '<img src=x onerror=alert(1)> "dog" | `x`'

beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-take-away-'))
  const made = await makeRun(parent, {
    model: 'vae',
    patches: 4,
    image: colours,
    head: heads.product,
    classNames: ['cat', hostile, 'bird'],
  })
  run = made.folder
  folder = await mkdtemp(path.join(parent, 'out-'))
  model = path.join(folder, 'model.onnx')
  await exportModel(run, { ...options, out: model }, context)
  photo = path.join(folder, 'photo.jpg')
  await sharp(drawnImages(1, colours, 4), { raw: { width: 12, height: 12, channels: 3 } })
    .png()
    .toFile(photo)
  predicted = await predict(photo)
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
})
afterAll(() => rm(parent, { recursive: true }))

describe('the files', () => {
  test('lie beside each other and say the same of the model', async () => {
    expect((await readdir(folder)).filter((name) => !/photo|node_modules/.test(name)).sort()).toEqual([
      'model.card.md',
      'model.json',
      'model.onnx',
      'model.test.safetensors',
      'try.html',
    ])
    const { files, ...about } = JSON.parse(await readFile(path.join(folder, 'model.json'), 'utf8'))
    const { metadata, graph } = decodeModel(await readFile(model))
    expect(JSON.parse(metadata.handful)).toEqual(about)
    expect(about).toMatchObject({
      classes: ['cat', hostile, 'bird'],
      inputs: [{ name: 'image', type: 'uint8', layout: 'NHWC', size: 12, channels: 3 }],
      batch: null,
      square: { fit: 'cover', background: '#ffffff' },
      head: 'product',
      calibration: { exponent: 0.8, bend: 1.4 },
      accuracy: null,
      seed: 0,
      date: '2026-05-04',
    })
    expect(files.model.bytes).toBe((await readFile(model)).length)
    expect(graph.outputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['probabilities', ['batch', 3]],
      ['features', ['batch', about.features]],
    ])
  })

  test('are the same each time', async () => {
    const again = path.join(parent, 'again', 'model.onnx')
    await exportModel(run, { ...options, out: again }, context)
    for (const name of ['model.onnx', 'model.json', 'model.test.safetensors', 'model.card.md', 'try.html'])
      expect(
        (await readFile(path.join(parent, 'again', name))).equals(await readFile(path.join(folder, name))),
      ).toBe(true)
  })

  test('a name of a class is text in the card', async () => {
    const card = await readFile(path.join(folder, 'model.card.md'), 'utf8')
    expect(card).toContain('Classifies images into 3 classes')
    expect(card).not.toMatch(/(?<!\\)<img/)
    expect(card).toContain('Nothing was there to judge it by')
  })
})

describe('verify', () => {
  const verify = async (change: (folder: string) => Promise<void>) => {
    const copy = await mkdtemp(path.join(parent, 'copy-'))
    for (const name of ['model.onnx', 'model.json', 'model.test.safetensors'])
      await copyFile(path.join(folder, name), path.join(copy, name))
    await change(copy)
    return handful(['verify', path.join(copy, 'model.onnx'), '--threads', '1', '--quiet'])
  }

  test('of a whole copy is content', async () => {
    const { exit, stdout } = await verify(() => Promise.resolve())
    expect(stdout).toMatch(/model\.onnx: as it was written; 4 test images, probabilities within \S+ of/)
    expect(exit).toBe(0)
  })

  const faults: Readonly<Record<string, readonly [change: (folder: string) => Promise<void>, says: RegExp]>> =
    {
      'a model cut short': [
        async (copy) => {
          const bytes = await readFile(model)
          await writeFile(path.join(copy, 'model.onnx'), bytes.subarray(0, bytes.length / 2))
        },
        /error: exported model \(.*model\.onnx\): got a damaged file: .*copy the files again/,
      ],
      'a bit that has flipped': [
        async (copy) => {
          const bytes = await readFile(model)
          bytes[Math.floor(bytes.length / 2)] ^= 1
          await writeFile(path.join(copy, 'model.onnx'), bytes)
        },
        /error: exported model \(.*model\.onnx\): got sha256 \S+, expected \S+ as it was written/,
      ],
      'no model': [(copy) => rm(path.join(copy, 'model.onnx')), /got nothing there/],
      'no test': [
        (copy) => rm(path.join(copy, 'model.test.safetensors')),
        /safetensors\): got nothing there/,
      ],
      'an empty model': [(copy) => writeFile(path.join(copy, 'model.onnx'), ''), /error: exported model/],
      'a description that is none': [
        (copy) => writeFile(path.join(copy, 'model.json'), '{"format":1}'),
        /model\.json\): got a damaged file/,
      ],
      'other expected outputs': [
        async (copy) => {
          const file = path.join(copy, 'model.test.safetensors')
          const { arrays } = decodeSafetensors(await readFile(file))
          const { probabilities } = arrays
          const other = { ...probabilities, data: (probabilities.data as Float32Array).map((p) => 1 - p) }
          const bytes = encodeSafetensors({ ...arrays, probabilities: other })
          await writeFile(file, bytes)
          const about = JSON.parse(await readFile(path.join(copy, 'model.json'), 'utf8'))
          const { createHash } = await import('node:crypto')
          about.files.test = {
            ...about.files.test,
            bytes: bytes.length,
            sha256: createHash('sha256').update(bytes).digest('hex'),
          }
          await writeFile(path.join(copy, 'model.json'), JSON.stringify(about))
        },
        /got probabilities that differ by \S+ from those in model\.test\.safetensors, expected at most 0\.0001/,
      ],
    }
  for (const [name, [change, says]] of Object.entries(faults)) {
    test(name, async () => {
      const { exit, stderr } = await verify(change)
      expect(stderr).toMatch(says)
      expect(exit).toBe(1)
    })
  }
})

describe('export by the command', () => {
  test('tells what it wrote and how exact it is', async () => {
    const out = path.join(parent, 'by-command', 'birds.onnx')
    const { exit, stdout, stderr } = await handful(['export', run, '--out', out, '--threads', '1'])
    expect(exit, stderr).toBe(0)
    expect(
      stdout
        .trim()
        .split('\n')
        .map((file) => path.basename(file)),
    ).toEqual(['birds.onnx', 'birds.test.safetensors', 'birds.json', 'birds.card.md', 'try.html'])
    expect(stderr).toMatch(
      /3 classes; on 4 images its probabilities are those of handful predict to \d+e-\d+/,
    )
    expect(await readFile(path.join(parent, 'by-command', 'birds.card.md'), 'utf8')).toContain(
      "InferenceSession.create('birds.onnx')",
    )
  })

  test('asks for a file, and leaves a folder alone', async () => {
    const none = await handful(['export', run])
    expect(none.stderr).toContain('error: --out: got none, expected the name of a file')
    expect(none.exit).toBe(2)
    const into = await handful(['export', run, '--out', folder])
    expect(into.stderr).toContain('expected the name of a file; for example')
    expect(into.exit).toBe(2)
    const noRun = await handful(['export', parent, '--out', path.join(parent, 'x.onnx')])
    expect(noRun.stderr).toMatch(/error: run folder/)
    expect(noRun.exit).not.toBe(0)
  })
})

describe('the lines of docs/export.md', () => {
  const blocks = async (): Promise<Record<string, string>> => {
    const text = await readFile(path.join(root, 'docs', 'export.md'), 'utf8')
    const found = [...text.matchAll(/^## (Node|A browser|Python)$.*?^```\w+\n(.*?)^```$/gms)]
    return Object.fromEntries(found.map(([, title, code]) => [title, code.trim()]))
  }

  test('are those of model cards', async () => {
    expect(await blocks()).toEqual({
      Node: SNIPPETS.node,
      'A browser': SNIPPETS.web,
      Python: SNIPPETS.python,
    })
  })

  test('run in Node and say what predict says, of photographs too', async () => {
    await writeFile(path.join(folder, 'lines.mjs'), (await blocks()).Node)
    const say = async (): Promise<string> =>
      (await execute(process.execPath, ['lines.mjs'], { cwd: folder })).stdout.trim()
    expect(await say()).toBe(predicted)
    const own = await readFile(photo)
    await sharp(drawnImages(1, { size: 60, channels: 3 }, 7), { raw: { width: 60, height: 60, channels: 3 } })
      .extract({ left: 0, top: 5, width: 60, height: 43 })
      .jpeg()
      .toFile(`${photo}.large`)
    await copyFile(`${photo}.large`, photo)
    expect(await say()).toBe(await predict(photo))
    await writeFile(photo, own)
  })

  test.skipIf(!hasChromium)(`run in a browser${CHROMIUM_NEEDED}`, async () => {
    const browser = await openChromium()
    try {
      const page = await browser.newPage()
      const said = new Promise<string>((resolve) => page.on('console', (message) => resolve(message.text())))
      const html =
        '<script type="importmap">{"imports":{"onnxruntime-web":"/ort/ort.wasm.min.mjs"}}</script>' +
        '<script type="module" src="lines.js"></script>'
      const lines = (await blocks())['A browser']
      await page.route('**/*', async (route) => {
        const { pathname } = new URL(route.request().url())
        if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: html })
        if (pathname === '/lines.js') return route.fulfill({ contentType: 'text/javascript', body: lines })
        const name = path.basename(pathname)
        const inside = pathname.startsWith('/ort/')
          ? path.join(root, 'node_modules', 'onnxruntime-web', 'dist', name)
          : path.join(folder, name)
        return route.fulfill({
          path: inside,
          contentType: name.endsWith('.mjs')
            ? 'text/javascript'
            : name.endsWith('.wasm')
              ? 'application/wasm'
              : undefined,
        })
      })
      await page.goto('http://lines.test/')
      expect(await said).toBe(predicted)
    } finally {
      await browser.close()
    }
  })

  test('run in Python, where it has onnxruntime and Pillow', async ({ skip }) => {
    const python = process.env.HANDFUL_TEST_PYTHON ?? 'python3'
    const has = await execute(python, ['-c', 'import onnxruntime, PIL, numpy']).then(
      () => true,
      () => false,
    )
    if (!has) skip(`${python} has no onnxruntime, Pillow and numpy (HANDFUL_TEST_PYTHON names another)`)
    await writeFile(path.join(folder, 'lines.py'), (await blocks()).Python)
    const { stdout } = await execute(python, ['lines.py'], { cwd: folder })
    expect(stdout.trim()).toBe(predicted)
  })
})

describe.skipIf(!hasChromium)(`try.html${CHROMIUM_NEEDED}`, () => {
  test('says of dropped files and drawings what predict says, asks nobody, and shows names as text', async () => {
    const browser = await openChromium()
    try {
      const page = await browser.newPage()
      const asked: string[] = []
      const troubles: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      page.on('pageerror', (error) => troubles.push(error.message))
      page.on('dialog', (dialog) => troubles.push(dialog.message()))
      page.on('console', (message) => troubles.push(message.text()))
      const address = `file://${path.join(folder, 'try.html')}`
      await page.goto(address)
      const best = async (): Promise<string> => (await page.textContent('#best')) ?? ''
      const inPercent = (line: string): string => {
        const at = line.lastIndexOf(' ')
        return `${line.slice(0, at)}, ${(100 * Number(line.slice(at + 1))).toFixed(1)} %`
      }
      const close = (said: string, line: string): void => {
        const [name, share] = [
          said.slice(0, said.lastIndexOf(',')),
          Number.parseFloat(said.slice(said.lastIndexOf(',') + 1)),
        ]
        expect(name).toBe(inPercent(line).slice(0, inPercent(line).lastIndexOf(',')))
        expect(share).toBeCloseTo(100 * Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
      }

      await page.setInputFiles('#files', {
        name: '<b>hostile</b>.png',
        mimeType: 'image/png',
        buffer: await readFile(photo),
      })
      await page.waitForSelector('#answer:not([hidden])')
      close(await best(), predicted)
      expect(await page.textContent('#name')).toBe('<b>hostile</b>.png')
      expect(await page.locator('#bars li').count()).toBe(3)
      expect(await page.locator('#bars').textContent()).toContain(hostile)
      expect(await page.locator('main img').count()).toBe(0)

      // With keys alone: to the square, pen down, across.
      await page.focus('#pad')
      await page.keyboard.press('Space')
      for (let i = 0; i < 8; i++) await page.keyboard.press(i % 2 === 0 ? 'ArrowRight' : 'ArrowDown')
      await expect.poll(() => page.textContent('#name')).toBe('your drawing')
      await page.waitForTimeout(200)
      const drawn = await page.evaluate("document.getElementById('pad').toDataURL('image/png').split(',')[1]")
      const file = path.join(parent, 'drawing.png')
      await writeFile(file, Buffer.from(String(drawn), 'base64'))
      close(await best(), await predict(file))

      await page.setInputFiles('#files', { name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('no') })
      await expect
        .poll(() => page.textContent('#trouble'))
        .toBe('no.png: not an image that this browser reads')
      expect(asked).toEqual([address])
      expect(troubles).toEqual([])
    } finally {
      await browser.close()
    }
  })

  test('is small without its model', async () => {
    const page = await readFile(path.join(folder, 'try.html'))
    expect(page.length - (4 / 3) * (await readFile(model)).length).toBeLessThan(3e6)
    expect(page.toString()).toContain("default-src 'none'")
  })
})
