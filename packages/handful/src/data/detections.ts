/**
 * Labels in a file for each image. WebDataset: `1.cls`, a class, or `1.json` with a label. Objects as tools mark them: YOLO
 * (`labels/1.txt`, a line `class x y width height` for each object, names in `data.yaml` or `classes.txt`), Pascal VOC
 * (`Annotations/1.xml`) and LabelMe (`1.json` with shapes). Handful classifies whole images: where no image has objects of several classes, the class of its objects is its label, as with COCO (label-json.ts).
 */

import { z } from 'zod'
import { parse } from 'yaml'
import { quoted } from '../errors.js'
import { isImageName } from '../names.js'
import type { FileTree } from './collection.js'
import { listed } from './image-set.js'
import { isLabelsFile } from './labels-file.js'
import { className, splitNamed } from './layout.js'

/** What was found: which files are no images, and the class of each image that has objects. */
export interface Detections {
  /** `YOLO`, `Pascal VOC`, `LabelMe` or `WebDataset`. */
  readonly kind: string
  /** Files that belong to the annotations. */
  readonly files: ReadonlySet<string>
  /** Class by image; none where images have objects of several classes. */
  readonly labels: ReadonlyMap<string, string>
  /** How they were understood. */
  readonly note: string
  /** Whether they are the labels. */
  readonly taken: boolean
}

/** Folders that hold images or what belongs to them, and are no classes. */
const SERVICE =
  /^(images?|imgs?|jpegimages|pictures|photos|data|labels?|labelstxt|annotations?|anns?|xmls?|txts?|obj(_[a-z]+)?_data|yolo|voc\d*)$/i
/** Lines of YOLO: a class, then a box, a box and a confidence, or a polygon, in shares of the image's sides. */
const YOLO_LINE = /^\s*\d+(\.0+)?(\s+-?\d*\.?\d+(e[-+]?\d+)?){4,}\s*$/i
const SIDE = /\.(xml|txt|cls|json)$/i
const READ_AT_ONCE = 64

const stemOf = (path: string): string => path.replace(/\.[^./]*$/, '')
const foldersOf = (path: string): string[] => path.split('/').slice(0, -1)

/** What an image and its annotation have in common: the name, and the folders that say more than what they hold. */
const keyOf = (path: string): string =>
  [...foldersOf(path).filter((part) => !SERVICE.test(part)), stemOf(path).split('/').at(-1) ?? ''].join('/')

/** @returns undefined where there are none, or folders or a labels file give the classes */
export async function findDetections(tree: FileTree): Promise<Detections | undefined> {
  const { files } = tree.listing
  const marked = files.filter((path) => SIDE.test(path))
  if (marked.length === 0 || files.some((path) => isLabelsFile(path.split('/').at(-1) ?? '')))
    return undefined
  const images = files.filter((path) => isImageName(path))
  if (namesClasses(images)) return undefined
  const byKey = new Map<string, string[]>()
  for (const path of images) byKey.set(keyOf(path), [...(byKey.get(keyOf(path)) ?? []), path])
  const pairs = marked.flatMap((path): [string, string][] => {
    const [image, ...others] = byKey.get(keyOf(path)) ?? []
    return image === undefined || others.length > 0 ? [] : [[path, image]]
  })
  const ending = (wanted: RegExp): typeof pairs => pairs.filter(([path]) => wanted.test(path))
  const [xml, texts, classes, objects] = [/\.xml$/i, /\.txt$/i, /\.cls$/i, /\.json$/i].map(ending)
  if (classes.length > 0) return objectsOf(tree, WEB_DATASET, classes, (text) => [text.trim()])
  if (xml.length > 0) return objectsOf(tree, 'Pascal VOC', xml, vocObjects)
  const found = await objectsOf(tree, 'YOLO', texts, yoloObjects, await yoloNames(tree))
  if (found !== undefined || objects.length < 2) return found
  return (
    (await objectsOf(tree, 'LabelMe', objects, labelMeObjects)) ??
    (await objectsOf(tree, WEB_DATASET, objects, labelInJson))
  )
}

const WEB_DATASET = 'WebDataset'

const named = z.object({
  label: z.union([z.string(), z.number()]).optional(),
  class: z.union([z.string(), z.number()]).optional(),
  class_name: z.string().optional(),
})

const shapes = z.object({ shapes: z.array(z.object({ label: z.string() })) })

/** Names of the shapes that LabelMe marks. */
const labelMeObjects: ObjectsIn = (text) => {
  try {
    return shapes.parse(JSON.parse(text)).shapes.map(({ label }) => label)
  } catch {
    return undefined
  }
}

/** The label in an object beside its image. */
const labelInJson: ObjectsIn = (text) => {
  try {
    const { label, class: own, class_name: name = label ?? own } = named.parse(JSON.parse(text))
    return name === undefined ? undefined : [String(name)]
  } catch {
    return undefined
  }
}

/** Whether folders that are neither splits nor of a tool tell images apart. */
function namesClasses(images: readonly string[]): boolean {
  const first = images.map((path) =>
    foldersOf(path).find((part) => !SERVICE.test(part) && splitNamed(part) === undefined),
  )
  return new Set(first.filter((part) => part !== undefined)).size > 1
}

type ObjectsIn = (text: string) => readonly string[] | undefined

async function objectsOf(
  tree: FileTree,
  kind: string,
  pairs: readonly [annotation: string, image: string][],
  objectsIn: ObjectsIn,
  names: Names = { files: [], of: (number) => number },
): Promise<Detections | undefined> {
  const objects = new Map<string, Set<string>>()
  for (let from = 0; from < pairs.length; from += READ_AT_ONCE) {
    const some = pairs.slice(from, from + READ_AT_ONCE)
    const texts = await Promise.all(some.map(([path]) => tree.readText(path)))
    for (const [i, text] of texts.entries()) {
      const found = objectsIn(text)
      // Another kind of text beside each image, such as a description.
      if (found === undefined) return undefined
      const classes = found.map((name) => className(names.of(name))).filter((name) => name !== '')
      objects.set(some[i][1], new Set(classes))
    }
  }
  if (objects.size === 0) return undefined
  const files = new Set([...tree.listing.files.filter((path) => SIDE.test(path)), ...names.files])
  const [annotated, several] = [1, 2].map((least) => [...objects].filter(([, own]) => own.size >= least))
  if (several.length === 0) {
    const labels = new Map(annotated.map(([path, own]) => [path, [...own][0]]))
    const note =
      kind === WEB_DATASET
        ? `labels come from a file beside each image, as ${kind} has them`
        : `objects as ${kind} marks them: ${annotated.length} of ${objects.size} images have objects, each of one class, which is taken for its label`
    return { kind, files, labels, note, taken: true }
  }
  const [[path, own]] = several
  const note =
    `objects as ${kind} marks them are not taken for labels: ${several.length} of ${annotated.length} images have objects of several classes, ` +
    `such as ${quoted(path)} with ${listed([...own].sort())}; cut the objects out, or give each image one class in labels.csv`
  return { kind, files, labels: new Map(), note, taken: false }
}

/** The numbers of the classes; undefined where a line is none of YOLO's. */
const yoloObjects: ObjectsIn = (text) => {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  return lines.every((line) => YOLO_LINE.test(line))
    ? lines.map((line) => String(Number.parseInt(line, 10)))
    : undefined
}

/** Names of the objects, without those of their parts. */
const vocObjects: ObjectsIn = (text) => {
  if (!/<annotation\b/.test(text)) return undefined
  const inner = text.replace(/<!--[^]*?-->/g, '').replace(/<part>[^]*?<\/part>/g, '')
  return [...inner.matchAll(/<object>([^]*?)<\/object>/g)].map(([, object]) => {
    const name = /<name>(?:<!\[CDATA\[)?([^<]*?)(?:\]\]>)?<\/name>/.exec(object)?.[1] ?? ''
    return ENTITIES.reduce((plain, [entity, letter]) => plain.replaceAll(entity, letter), name).trim()
  })
}

const ENTITIES = [
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&quot;', '"'],
  ['&apos;', "'"],
  ['&amp;', '&'],
] as const

interface Names {
  /** Where they stand. */
  readonly files: readonly string[]
  /** The name of a number; the number itself where it has none. */
  readonly of: (number: string) => string
}

const text = z.union([z.string(), z.number()]).transform(String)
const namesSchema = z.object({ names: z.union([z.array(text), z.record(z.string(), text)]) })

/** Names of YOLO's numbers: `names` of a YAML file, else a line for each. */
async function yoloNames(tree: FileTree): Promise<Names> {
  const { files } = tree.listing
  const yaml = files.filter((path) => /\.ya?ml$/i.test(path))
  const lists = files.filter((path) =>
    /(^|\/)(classes\.txt|obj\.names|[^/]*\.names|_darknet\.labels|labels\.txt)$/i.test(path),
  )
  const own = [...yaml, ...lists]
  for (const path of own) {
    const names = namesIn(path, await tree.readText(path))
    if (names !== undefined) return { files: own, of: (number) => names[number] ?? number }
  }
  return { files: own, of: (number) => number }
}

function namesIn(path: string, content: string): Readonly<Record<string, string>> | undefined {
  if (!/\.ya?ml$/i.test(path)) {
    const lines = content.split(/\r?\n/).map((line) => line.trim())
    return Object.fromEntries(lines.flatMap((line, i) => (line === '' ? [] : [[String(i), line]])))
  }
  try {
    const { names } = namesSchema.parse(parse(content))
    return Array.isArray(names) ? Object.fromEntries(names.map((name, i) => [String(i), name])) : names
  } catch {
    return undefined
  }
}
