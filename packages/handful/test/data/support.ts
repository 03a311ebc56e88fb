/** What the tests of this folder share: temporary folders that go away, small images, the error of a failing call. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { afterEach, expect } from 'vitest'
import { HandfulError } from '../../src/errors.js'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'handful-data-'))
  folders.push(folder)
  return folder
}

/** Writes files below a new folder; an empty path part at the end (`dogs/`) makes a folder. */
export function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = temporaryFolder()
  for (const [path, content] of Object.entries(files)) put(root, path, content)
  return root
}

export function put(root: string, path: string, content: string | Uint8Array): void {
  const file = join(root, path)
  if (path.endsWith('/')) {
    mkdirSync(file, { recursive: true })
    return
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

/** A plain image of one colour. */
export function plain(colour: string, width = 8, height = width): Sharp {
  return sharp({ create: { width, height, channels: 3, background: colour } })
}

/** The same as PNG bytes. */
export function png(colour: string, width = 8, height = width): Promise<Buffer> {
  return plain(colour, width, height).png().toBuffer()
}

/** An image that does not compress, so that cutting its file cuts its pixels. */
export function noise(size: number): Sharp {
  const bytes = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 7919 + ((i * i) >> 3)) & 255)
  return sharp(bytes, { raw: { width: size, height: size, channels: 3 } })
}

/** The error of a call that has to fail, checked to be one line for the user. */
export async function failure(call: () => unknown): Promise<HandfulError> {
  try {
    await call()
  } catch (error) {
    expect(error).toBeInstanceOf(HandfulError)
    if (!(error instanceof HandfulError)) throw error
    expect(error.message).not.toMatch(/\n/)
    return error
  }
  throw new Error('expected a HandfulError, but the call went through')
}
