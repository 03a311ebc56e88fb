/** `handful report` draws a study's report again from its study.json. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exampleStudy } from '../study/report/example-study.js'
import { handful } from './harness.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-report-study-'))
  const study = await exampleStudy({ methods: ['pixels', 'resnet18'], labelCounts: [1, 4], draws: 2 })
  await writeFile(path.join(folder, 'study.json'), JSON.stringify({ ...study, maps: [] }))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('page, Markdown and figures are written, study.json stays as it is', async () => {
  const before = await readFile(path.join(folder, 'study.json'), 'utf8')
  const { exit, stderr } = await handful(['report', folder])
  expect(exit).toBe(0)
  expect(stderr).toContain(path.join(folder, 'report.html'))
  expect(await readFile(path.join(folder, 'report.md'), 'utf8')).toMatch(/^# mnist: generative features/)
  expect(await readdir(path.join(folder, 'figures'))).toContain('accuracy-headline-head.svg')
  expect(await readFile(path.join(folder, 'study.json'), 'utf8')).toBe(before)
})

test('--png adds rasters, --json prints the study', async () => {
  const { exit, stdout } = await handful(['report', folder, '--png', '--json'])
  expect(exit).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ version: 1, dataset: { name: 'mnist' } })
  expect(await readdir(path.join(folder, 'figures'))).toContain('accuracy-headline-head.png')
})

test('a damaged study is one line', async () => {
  const damaged = await mkdtemp(path.join(tmpdir(), 'handful-damaged-study-'))
  await writeFile(path.join(damaged, 'study.json'), '{"version": 1')
  const { exit, stderr } = await handful(['report', damaged])
  expect(exit).toBe(1)
  expect(stderr).toMatch(/^error: study \(.*study\.json\): got .*JSON.*\n$/)
  await rm(damaged, { recursive: true })
})
