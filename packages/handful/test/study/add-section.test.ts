/** What a new section of the study costs: an entry and its line in the registry. Its stage, its part and its words follow. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test, vi } from 'vitest'
import type { z } from 'zod'
import { loadStudy, writeStudyReport } from '../../src/study/report/write.js'
import { outlineStudy, runStudy } from '../../src/study/run-study.js'
import type { brightnessSchema } from './brightness-section.js'
import { tiny, useFolder, watched } from './study-support.js'

vi.mock('../../src/study/sections/registry.js', async (original) => {
  const { sections } = await original<typeof import('../../src/study/sections/registry.js')>()
  const { brightnessSection } = await import('./brightness-section.js')
  return { sections: { ...sections, brightness: brightnessSection } }
})

const folder = useFolder()

test('a section is planned, run, kept and shown by its entry alone', async () => {
  const options = tiny({ methods: ['pixels', 'pca'] })
  const outline = await outlineStudy(options, watched(folder.path).context)
  const names = ['brightness of pixels', 'brightness of pca']
  expect(outline.stages.filter(({ kind }) => kind === 'brightness').map(({ name }) => name)).toEqual(names)

  const first = watched(folder.path)
  const study = await runStudy(options, first.context)
  expect(first.begun).toEqual(expect.arrayContaining(names))
  expect(study.missing).toEqual([])
  expect(study.notes).toContain('brightness of 2 methods')
  const saved = JSON.parse(await readFile(path.join(folder.path, 'study.json'), 'utf8')) as {
    brightness: z.infer<typeof brightnessSchema>[]
  }
  expect(saved.brightness.map(({ method }) => method)).toEqual(['pixels', 'pca'])

  const again = watched(folder.path)
  expect(await runStudy(options, again.context)).toMatchObject({ brightness: saved.brightness })
  expect(again.begun).toEqual([])

  await writeStudyReport(await loadStudy(folder.path), folder.path)
  const read = (name: string): Promise<string> => readFile(path.join(folder.path, name), 'utf8')
  const mean = saved.brightness[1].mean
  for (const file of ['report.html', 'report.md']) {
    const text = await read(file)
    expect(text).toContain('How bright the features are')
    expect(text).toContain(mean.toFixed(6))
  }
  expect(await read('figures/brightness.csv')).toContain(`pca,${Number(mean.toPrecision(10))}`)
})
