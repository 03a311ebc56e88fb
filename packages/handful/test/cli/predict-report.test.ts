/** `handful predict` and `handful report` on a run that is there. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { handful, type PredictJob } from './harness.js'

let parent: string
let run: string

beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-predict-'))
  run = path.join(parent, 'run')
  await handful(['fit', '--dataset', 'strokes', '--out', run])
})

afterAll(() => rm(parent, { recursive: true }))

const predict: PredictJob = ({ images }) =>
  Promise.resolve({
    predictions: images.map((name) => ({ path: name, predicted: 'cat, sleeping', probability: 0.98765 })),
    skipped: Array.from({ length: 7 }, (_, i) => ({ path: `bad-${i}.png`, reason: 'an empty file' })),
  })

test('predictions go to stdout as CSV, skipped files to stderr', async () => {
  const { exit, stdout, stderr } = await handful(['predict', run, 'a.png', 'say "b".png'], { predict })
  expect(exit).toBe(0)
  expect(stdout).toBe(
    'file_name,predicted,probability\r\na.png,"cat, sleeping",0.9877\r\n"say ""b"".png","cat, sleeping",0.9877\r\n',
  )
  expect(stderr).toContain('Skipped bad-4.png: an empty file\nSkipped 2 more.\n')
})

test('how unlike the classes images are has columns where the run can tell; the threshold is handed on', async () => {
  let given: number | undefined
  const telling: PredictJob = ({ noneAbove }) => {
    given = noneAbove
    const predictions = [
      { path: 'a.png', predicted: 'cat', probability: 0.9, unlike: 0.98, noneOfThese: true },
      { path: 'b.png', predicted: 'cat', probability: 0.9, unlike: 0.3, noneOfThese: false },
    ]
    return Promise.resolve({ predictions, skipped: [] })
  }
  const { stdout } = await handful(['predict', run, 'a.png', '--none-above', '0.9'], { predict: telling })
  expect(given).toBe(0.9)
  expect(stdout).toBe(
    'file_name,predicted,probability,unlike,none_of_these\r\na.png,cat,0.9000,0.9800,yes\r\nb.png,cat,0.9000,0.3000,no\r\n',
  )
  const wrong = await handful(['predict', run, 'a.png', '--none-above', '2'], { predict: telling })
  expect(wrong.exit).toBe(2)
  expect(wrong.stderr).toContain('--none-above: got "2", expected a number from 0 to 1')
})

test('--out writes the file instead', async () => {
  const file = path.join(parent, 'predictions.csv')
  const { stdout, stderr } = await handful(['predict', run, 'a.png', '--out', file], { predict })
  expect(stdout).toBe('')
  expect(stderr).toContain(`1 predictions, written to ${file}`)
  expect(await readFile(file, 'utf8')).toMatch(/^file_name,predicted,probability\r\na.png/)
})

test('--json prints one object', async () => {
  const { stdout } = await handful(['predict', run, 'a.png', '--json', '--quiet'], { predict })
  expect(JSON.parse(stdout)).toMatchObject({ predictions: [{ path: 'a.png', probability: 0.98765 }] })
})

test('what is no run is refused before anything is loaded', async () => {
  const { exit, stderr } = await handful(['predict', parent, 'a.png'], {
    predict: () => Promise.reject(new Error('loaded')),
  })
  expect(exit).toBe(1)
  expect(stderr).toMatch(/run folder .* got no config.yaml in it/)
})

test('report writes the page again', async () => {
  const page = path.join(run, 'report.html')
  const before = await readFile(page, 'utf8')
  await rm(page)
  const { exit, stdout, stderr } = await handful(['report', run])
  expect(exit).toBe(0)
  expect(stdout).toMatch(/^strokes: 4 labels per class/)
  expect(stderr).toContain(page)
  expect(await readFile(page, 'utf8')).toBe(before)
})
