/** The workbench of a run as the server calls it: whoever asks just before its end is told so in one line. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HandfulError } from '../../src/errors.js'
import { WorkbenchClient } from '../../src/studio/workbench-client.js'
import { makeRun } from '../labelling/made-run.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-workbench-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('what is asked when it is closed fails as what was foreseen, and its end is no trouble', async () => {
  const run = path.join(folder, 'run')
  const paths = Array.from({ length: 40 }, (_, i) => `${i}.png`).sort()
  await makeRun(run, { images: 40, groups: 2, spread: 0.3, columns: 4, folder, paths })
  const troubles: string[] = []
  const client = await WorkbenchClient.open({ run, threads: 1 }, paths, {
    onMap: () => undefined,
    onNoise: () => undefined,
    onFitted: () => undefined,
    onEnd: (reason) => troubles.push(reason),
  })
  expect(await client.suggest({ count: 3, kind: 'next', except: [] })).toHaveLength(3)
  const asked = client.suggest({ count: 3, kind: 'next', except: [] })
  client.close()
  await expect(asked).rejects.toThrow(/^workbench: got its end, expected to be asked before it; ask again$/)
  await expect(asked).rejects.toBeInstanceOf(HandfulError)
  expect(troubles).toEqual([])
})
