/**
 * JSON files of labels in the forms that people and tools write: lists of objects, names to labels, classes to lists of
 * names, columns as pandas writes them, and what COCO, the VGG Image Annotator and Label Studio export. Here they become
 * rows of named values; which of them is the label, label-columns.ts finds out.
 */

import { z } from 'zod'
import { labelStudioRows } from './label-studio.js'
import { viaRows } from './via.js'

export interface ObjectRow {
  readonly row: number
  readonly values: Readonly<Record<string, unknown>>
}

export interface JsonRows {
  readonly rows: readonly ObjectRow[]
  /** Whether an image may stand there again with the same label. */
  readonly repeats?: boolean
}

/** Undefined for other forms. */
type Form = (parsed: unknown) => JsonRows | undefined

const numbered = (values: readonly ObjectRow['values'][]): JsonRows => ({
  rows: values.map((each, i) => ({ row: i + 1, values: each })),
})

const IMAGE_NAME = /\.\w{2,4}$/
const COLUMN_NAME = /^(file|image|img|path|label|class)[ _]?(name|path|id)?s?$/i

const text = z.union([z.string(), z.number()])
const record = <T extends z.ZodType>(values: T) => z.record(z.string(), values)

/** `{"a.png": "cat"}` */
const pairs: Form = (parsed) => {
  const found = record(text).safeParse(parsed)
  return found.success && !Array.isArray(parsed)
    ? numbered(Object.entries(found.data).map(([file, label]) => ({ file_name: file, label })))
    : undefined
}

/** `{"cat": ["a.png", "b.png"]}`, or `{"a.png": ["cat"]}` */
const lists: Form = (parsed) => {
  const found = record(z.array(text)).safeParse(parsed)
  if (!found.success || Array.isArray(parsed)) return undefined
  const entries = Object.entries(found.data)
  if (entries.some(([key]) => COLUMN_NAME.test(key))) return undefined
  if (entries.every(([key]) => IMAGE_NAME.test(key)))
    return numbered(entries.map(([file, labels]) => ({ file_name: file, label: labels })))
  return numbered(
    entries.flatMap(([label, files]) => files.map((file) => ({ file_name: String(file), label }))),
  )
}

/** `{"file_name": ["a.png"], "label": ["cat"]}`, or with numbers of rows, `{"label": {"0": "cat"}}` */
const columns: Form = (parsed) => {
  const found = record(z.union([z.array(z.unknown()), record(z.unknown())])).safeParse(parsed)
  if (!found.success || Array.isArray(parsed)) return undefined
  const entries = Object.entries(found.data)
  if (entries.length < 2 || !entries.some(([key]) => COLUMN_NAME.test(key))) return undefined
  const places = [...new Set(entries.flatMap(([, values]) => Object.keys(values)))]
  if (!places.every((place) => /^\d+$/.test(place))) return undefined
  return numbered(
    places.map((place) =>
      Object.fromEntries(
        entries.map(([key, values]) => [key, Object.entries(values).find(([at]) => at === place)?.[1]]),
      ),
    ),
  )
}

const cocoSchema = z.object({
  images: z.array(z.object({ id: text, file_name: z.string() })),
  annotations: z.array(z.object({ image_id: text, category_id: text })),
  categories: z.array(z.object({ id: text, name: z.string() })),
})

/** COCO's instances: an image has the category that all its annotations have. */
const coco: Form = (parsed) => {
  const found = cocoSchema.safeParse(parsed)
  if (!found.success) return undefined
  const { images, annotations, categories } = found.data
  const names = new Map(categories.map(({ id, name }) => [String(id), name]))
  const labels = new Map<string, Set<string>>()
  for (const { image_id: image, category_id: category } of annotations) {
    const own = labels.get(String(image)) ?? new Set()
    labels.set(String(image), own.add(names.get(String(category)) ?? String(category)))
  }
  return numbered(
    images.map(({ id, file_name: file }) => ({
      file_name: file,
      label: [...(labels.get(String(id)) ?? [])],
    })),
  )
}

const region = z.object({ region_attributes: record(z.unknown()).default({}) })
const viaSchema = record(
  z.object({
    filename: z.string(),
    file_attributes: record(z.unknown()),
    regions: z.union([z.array(region), record(region)]).default([]),
  }),
)

/** The VGG Image Annotator's annotations or project. */
const annotator: Form = (parsed) => {
  const project = z.object({ _via_img_metadata: z.unknown() }).safeParse(parsed)
  const found = viaSchema.safeParse(project.success ? project.data._via_img_metadata : parsed)
  if (!found.success || Object.keys(found.data).length === 0) return undefined
  const images = Object.values(found.data).map(({ filename, file_attributes: own, regions }) => ({
    filename,
    own,
    regions: Object.values(regions).map(({ region_attributes: attributes }) => attributes),
  }))
  return numbered(viaRows(images))
}

/** `{"a.png": {"label": "cat"}}` */
const objects: Form = (parsed) => {
  const found = record(record(z.unknown())).safeParse(parsed)
  if (!found.success || Array.isArray(parsed)) return undefined
  return numbered(Object.entries(found.data).map(([file, values]) => ({ ...values, file_name: file })))
}

const studio: Form = (parsed) => {
  const rows = labelStudioRows(parsed)
  return rows === undefined ? undefined : { rows, repeats: true }
}

const FORMS: readonly Form[] = [pairs, studio, coco, annotator, columns, lists, objects]

/** The rows of a file in one of these forms; undefined for any other, a plain list among them. */
export function jsonRows(parsed: unknown): JsonRows | undefined {
  for (const form of FORMS) {
    const found = form(parsed)
    if (found !== undefined) return found
  }
  return undefined
}
