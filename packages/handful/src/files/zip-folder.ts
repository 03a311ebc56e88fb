/** The files of a folder in one zip archive, for a person who saves one file and wants them all. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import type { PassThrough } from 'node:stream'
import { ZipFile } from 'yazl'
import { writeFileAtomic } from './atomic.js'

/**
 * @param folder its own files; folders in it are left out
 * @param inner the folder that they unpack into
 * @throws HandfulError where the archive cannot be written
 */
export async function zipFolder(folder: string, inner: string, archive: string): Promise<void> {
  const zip = new ZipFile()
  const whole = zip.outputStream as PassThrough
  // A file that cannot be read ends it all: the archive is whole or not there.
  zip.on('error', (error: Error) => whole.destroy(error))
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1)))
    if (entry.isFile()) zip.addFile(path.join(folder, entry.name), `${inner}/${entry.name}`)
  zip.end()
  await writeFileAtomic(archive, whole)
}
