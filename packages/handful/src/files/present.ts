/** Whether what was written is still there. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../errors.js'

/** Whether all of some files (or folders) below a folder are there. */
export async function filesPresent(folder: string, files: readonly string[]): Promise<boolean> {
  const found = await Promise.all(files.map((file) => stat(path.join(folder, file)).catch(() => undefined)))
  return found.every((each) => each !== undefined)
}

/** Whether the system says that a file or folder is not there, or that what stands above it is no folder. */
export const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')
