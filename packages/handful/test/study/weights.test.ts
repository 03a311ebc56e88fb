/** What the labels of each draw chose in `auto` stands in study.json and in the report, of old studies as far as it is known. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { studySchema, studySections } from '../../src/study/all-sections.js'
import { renderStudyMarkdown } from '../../src/study/report/markdown.js'
import { loadStudy } from '../../src/study/report/write.js'
import type { Study } from '../../src/study/result.js'
import { runStudy } from '../../src/study/run-study.js'
import { tiny, useFolder, watched } from './study-support.js'

const folder = useFolder()

const asked = (more: Parameters<typeof tiny>[0] = {}) =>
  tiny({ heads: ['auto', 'ridge'], headline: 'auto', labels: [1, 4], ...more })
const weightsOf = ({ cells }: Study) =>
  cells.filter(({ head }) => head === 'auto').map(({ weights }) => weights ?? [])
const reportOf = async (study: Parameters<typeof studySections>[0]): Promise<string> =>
  renderStudyMarkdown(study, await studySections(study), 'figures')

/** As versions wrote the records of cells that kept no weights. */
async function forgetWeights(): Promise<void> {
  const stages = path.join(folder.path, 'stages')
  for (const name of await readdir(stages)) {
    const file = path.join(stages, name)
    const { result, ...rest } = JSON.parse(await readFile(file, 'utf8')) as { result: { weights?: unknown } }
    const { weights: _, ...before } = result
    await writeFile(file, JSON.stringify({ ...rest, result: before }))
  }
}

test('each draw of auto has the weights of its heads, and their means stand in the report', async () => {
  const study = await runStudy(asked(), watched(folder.path).context)
  for (const draws of weightsOf(study)) {
    expect(draws).toHaveLength(2)
    for (const weights of draws) {
      expect(Object.keys(weights ?? {})).toEqual([
        'label propagation',
        'logistic regression',
        'mixture of directions',
      ])
      expect(Object.values(weights ?? {}).reduce((sum, weight) => sum + weight, 0)).toBe(1)
    }
  }
  expect(study.cells.filter(({ head }) => head === 'ridge').map(({ weights }) => weights)).toEqual([
    undefined,
    undefined,
  ])
  expect((await loadStudy(folder.path)).cells).toEqual(study.cells)
  const means = weightsOf(study).map(([first, second]) =>
    Object.keys(first ?? {})
      .map((name) => (50 * ((first?.[name] ?? 0) + (second?.[name] ?? 0))).toFixed(0))
      .join(' / '),
  )
  const report = await reportOf(study)
  expect(report).toContain(`| raw pixels | ${means.join(' | ')} |`)
  expect(report).toContain(
    'What label propagation / logistic regression / mixture of directions weigh in auto',
  )
  const there = { ...watched(`${folder.path}-2`).context, fitProcesses: 2 }
  expect(weightsOf(await runStudy(asked({ threads: 2 }), there))).toEqual(weightsOf(study))
})

test('a study of before, which kept none, is read, goes on, and says them of its new draws', async () => {
  await runStudy(asked(), watched(folder.path).context)
  await forgetWeights()
  const before = await runStudy(asked(), watched(folder.path).context)
  expect(before.cells.every(({ weights }) => weights === undefined)).toBe(true)
  expect(studySchema.parse(JSON.parse(JSON.stringify(before)))).toEqual(before)
  expect(await reportOf(before)).not.toContain('weigh in')
  const more = await runStudy(asked({ draws: 3 }), watched(folder.path).context)
  for (const [i, draws] of weightsOf(more).entries()) {
    expect(draws.slice(0, 2)).toEqual([null, null])
    const own = Object.values(draws[2] ?? {}).map((weight) => (100 * weight).toFixed(0))
    expect(own).toHaveLength(3)
    expect((await reportOf(more)).match(/^\| raw pixels \| \d+ \/.*$/m)?.[0].split(' | ')[i + 1]).toContain(
      own.join(' / '),
    )
  }
})
