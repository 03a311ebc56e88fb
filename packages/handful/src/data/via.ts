/**
 * Annotations of the VGG Image Annotator (https://www.robots.ox.ac.uk/~vgg/software/via): attributes of whole images and of
 * regions in them. The image's own say its class; where no image has any, those of its regions do, if they agree.
 */
import { z } from 'zod'

export interface AnnotatedImage {
  readonly filename: string
  /** Of the image as a whole. */
  readonly own: Readonly<Record<string, unknown>>
  /** Of each region. */
  readonly regions: readonly Readonly<Record<string, unknown>>[]
}

/** Named values for each image; a list where its regions do not agree. */
export function viaRows(images: readonly AnnotatedImage[]): Readonly<Record<string, unknown>>[] {
  const byImage = images.some(({ own }) => Object.keys(own).length > 0)
  return images.map(({ filename, own, regions }) => {
    const given = byImage ? [own] : regions
    const names = new Set(given.flatMap((each) => Object.keys(each)))
    const values = [...names].map((name) => [name, together(given.map((each) => valueOf(each[name])))])
    return { ...(Object.fromEntries(values) as Record<string, unknown>), file_name: filename }
  })
}

/** Check boxes are written as `{"cat": true}`. */
function valueOf(value: unknown): unknown {
  const boxes = z.record(z.string(), z.boolean()).safeParse(value)
  return boxes.success ? Object.keys(boxes.data).filter((name) => boxes.data[name]) : value
}

function together(values: readonly unknown[]): unknown {
  const different = [...new Set(values.flat().filter((value) => value !== undefined && value !== ''))]
  return different.length === 1 ? different[0] : different
}

const attributesSchema = z.record(z.string(), z.unknown())

/** @returns undefined where a row holds no JSON */
export function viaTableRows(
  columns: readonly string[],
  rows: readonly (readonly (string | null | undefined)[])[],
): Readonly<Record<string, unknown>>[] | undefined {
  const place = (name: string): number => columns.findIndex((column) => column.replace(/^#/, '') === name)
  const [file, own, regions] = ['filename', 'file_attributes', 'region_attributes'].map(place)
  if (file < 0 || own < 0 || regions < 0) return undefined
  const images = new Map<
    string,
    { filename: string; own: Record<string, unknown>; regions: Record<string, unknown>[] }
  >()
  for (const fields of rows) {
    const filename = String(fields[file] ?? '')
    const [whole, region] = [own, regions].map((column) => attributesOf(fields[column]))
    if (whole === undefined || region === undefined) return undefined
    const image = images.get(filename) ?? { filename, own: whole, regions: [] }
    images.set(filename, image)
    if (Object.keys(region).length > 0) image.regions.push(region)
  }
  return viaRows([...images.values()])
}

function attributesOf(field: string | null | undefined): Record<string, unknown> | undefined {
  if (field === '' || field === undefined || field === null) return {}
  try {
    return attributesSchema.parse(JSON.parse(field))
  } catch {
    return undefined
  }
}
