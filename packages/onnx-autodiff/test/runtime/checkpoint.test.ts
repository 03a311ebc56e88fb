/** What a user would lose: nothing, whatever goes wrong while a checkpoint is written or after. */

import { mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadCheckpoint, saveCheckpoint, type CheckpointDisk } from '../../src/runtime/checkpoint.js'
import { floats } from './programs.js'

let folder: string
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'checkpoint-')), 'checkpoints')
})
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }))

const checkpoint = (step: number) => ({ arrays: { w: floats([step, -step]) }, json: { step, note: 'ä' } })

test('a checkpoint comes back as it was saved, and an empty or absent folder has none', async () => {
  expect(await loadCheckpoint(folder)).toBeUndefined()
  const path = await saveCheckpoint(folder, checkpoint(1))
  expect(await loadCheckpoint(folder)).toEqual({ ...checkpoint(1), path, damaged: [] })
  expect((await readdir(path)).sort()).toEqual(['arrays.safetensors', 'manifest.json', 'state.json'])
})

test('the newest is loaded and the last few are kept', async () => {
  for (let step = 1; step <= 5; step++) await saveCheckpoint(folder, checkpoint(step), { keep: 3 })
  expect((await readdir(folder)).sort()).toEqual(['000003', '000004', '000005'])
  expect((await loadCheckpoint(folder))?.json).toEqual(checkpoint(5).json)
  await saveCheckpoint(folder, checkpoint(6), { keep: 1 })
  expect(await readdir(folder)).toEqual(['000006'])
})

/** A disk with so many bytes left. What fits of a file is written before it fails, as a real one does. */
function smallDisk(limitBytes: number): CheckpointDisk {
  return {
    async write(path, parts) {
      const content = Buffer.concat(parts)
      await writeFile(path, content.subarray(0, limitBytes))
      limitBytes -= content.length
      if (limitBytes < 0)
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    },
    rename,
  }
}

test('a full disk, at whatever byte it fills up, costs no checkpoint and leaves no rubbish', async () => {
  const before = await saveCheckpoint(folder, checkpoint(1), { keep: 1 })
  const sizes = await Promise.all(
    (await readdir(before)).map(async (name) => (await readFile(join(before, name))).length),
  )
  const total = sizes.reduce((sum, size) => sum + size, 0)
  for (const room of [0, 8, 100, total - 200, total - 1]) {
    await expect(saveCheckpoint(folder, checkpoint(2), { keep: 1, disk: smallDisk(room) })).rejects.toThrow(
      `checkpoint (${join(folder, '000002')}): got ENOSPC: no space left on device, write, expected to save it; earlier checkpoints are kept`,
    )
    expect(await readdir(folder)).toEqual(['000001'])
    expect(await loadCheckpoint(folder)).toEqual({ ...checkpoint(1), path: before, damaged: [] })
  }
  await saveCheckpoint(folder, checkpoint(2), { keep: 1, disk: smallDisk(total) })
  expect((await loadCheckpoint(folder))?.json).toEqual(checkpoint(2).json)
})

test('a process that dies between any two steps of a save leaves the checkpoint before, and the next save clears up', async () => {
  await saveCheckpoint(folder, checkpoint(1))
  // Nothing after the crash runs, not even the clean-up of the failing save: its folder is put back.
  for (const cutOff of [
    ['arrays.safetensors.tmp'],
    ['arrays.safetensors'],
    ['arrays.safetensors', 'state.json'],
  ]) {
    await mkdir(join(folder, '000002'), { recursive: true })
    for (const name of cutOff) await writeFile(join(folder, '000002', name), 'cut off')
    const loaded = await loadCheckpoint(folder)
    expect(loaded?.json).toEqual(checkpoint(1).json)
    expect(loaded?.damaged).toEqual([])
  }
  await saveCheckpoint(folder, checkpoint(3))
  expect((await readdir(folder)).sort()).toEqual(['000001', '000003'])
})

test('a damaged checkpoint is named in one line and the one before it is used', async () => {
  await saveCheckpoint(folder, checkpoint(1))
  const path = await saveCheckpoint(folder, checkpoint(2))
  const damage: [() => Promise<void>, string][] = [
    [() => flipByte(join(path, 'arrays.safetensors'), 70), 'arrays.safetensors: got SHA-256 '],
    [() => truncate(join(path, 'arrays.safetensors'), 3), 'arrays.safetensors: got 3 bytes, expected '],
    [() => flipByte(join(path, 'state.json'), 3), 'state.json: got SHA-256 '],
    [() => rm(join(path, 'state.json')), 'ENOENT: no such file or directory'],
    [
      () => truncate(join(path, 'manifest.json'), 0),
      'manifest.json: got something else, expected sizes and checksums',
    ],
  ]
  const whole = new Map(
    await Promise.all(
      (await readdir(path)).map(async (name) => [name, await readFile(join(path, name))] as const),
    ),
  )
  for (const [hurt, message] of damage) {
    await hurt()
    const loaded = await loadCheckpoint(folder)
    expect(loaded?.json).toEqual(checkpoint(1).json)
    expect(loaded?.damaged).toHaveLength(1)
    expect(loaded?.damaged[0]).toContain(`checkpoint (${path}): ${message}`)
    for (const [name, content] of whole) await writeFile(join(path, name), content)
  }
})

test('when every checkpoint is damaged that is an error, never a silent start from nothing', async () => {
  for (const step of [1, 2])
    await truncate(join(await saveCheckpoint(folder, checkpoint(step)), 'state.json'), 1)
  await expect(loadCheckpoint(folder)).rejects.toThrow(
    /^checkpoint \(.*000002\): state\.json: got 1 bytes, expected \d+; 1 earlier ones are damaged too; remove .* to start again$/,
  )
})

test('what JSON would change without a word is refused before anything is written', async () => {
  await expect(saveCheckpoint(folder, { arrays: {}, json: { loss: NaN } })).rejects.toThrow(
    'json.loss (saveCheckpoint): got NaN, expected a finite number',
  )
  await expect(saveCheckpoint(folder, { arrays: {}, json: undefined })).rejects.toThrow(
    'json (saveCheckpoint)',
  )
  await expect(saveCheckpoint(folder, checkpoint(1), { keep: 0 })).rejects.toThrow(
    'keep (saveCheckpoint): got 0',
  )
  expect(await loadCheckpoint(folder)).toBeUndefined()
})

test('a folder that cannot be written, or is a file, is refused in one line', async () => {
  await mkdir(join(folder, '..'), { recursive: true })
  await writeFile(folder, 'not a folder')
  await expect(saveCheckpoint(folder, checkpoint(1))).rejects.toThrow(
    /^checkpoint \(.*\): could not be read: ENOTDIR[^\n]*$/,
  )
  await expect(loadCheckpoint(folder)).rejects.toThrow(
    /^checkpoint \(.*\): could not be read: ENOTDIR[^\n]*$/,
  )
})

async function flipByte(path: string, at: number): Promise<void> {
  const content = await readFile(path)
  expect(at).toBeLessThan(content.length)
  content[at] ^= 1
  await writeFile(path, content)
}
