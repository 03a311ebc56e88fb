/** Where the image files of a run lie, where they are files of a folder. */
import { stat } from 'node:fs/promises'
import { HandfulError } from '../errors.js'
import { locateImages } from '../runs/image-record.js'
import type { PlainObject } from '../runs/run-files.js'

/** Undefined for known data sets, archives and tables, and where the images are gone: labels go on without them. */
export async function imageFolderOf(run: string, { folder }: PlainObject): Promise<string | undefined> {
  if (typeof folder !== 'string') return undefined
  try {
    const place = await locateImages(run, folder, 'put them back')
    return (await stat(place)).isDirectory() ? place : undefined
  } catch (error) {
    if (error instanceof HandfulError) return undefined
    throw error
  }
}
