/**
 * Frames of animations and pages of stacks as images of their own, where that is asked for: `stack.tif` with three pages
 * becomes `stack.tif#1`, `stack.tif#2`, `stack.tif#3`. All have the label that the file has.
 */

import type { CollectionOptions, FileTree, ImageCollection } from './collection.js'
import type { ImageContent } from './decode.js'
import { countFrames } from './decode-content.js'
import { UnusableImage } from './unusable-image.js'

/** One image: a file, or one of several frames of it, counted from 0. */
interface Frame {
  readonly path: string
  /** Place of its file. */
  readonly file: number
  readonly frame?: number
}

/** As a file of several frames names one of them. */
export const framePath = (path: string, frame: number): string => `${path}#${frame + 1}`

/** The file and the frame, from 0, that such a path means; undefined for other paths. */
export function frameOf(path: string): { readonly path: string; readonly frame: number } | undefined {
  const [, file, number] = /^(.+)#([1-9]\d*)$/.exec(path) ?? []
  return file === undefined ? undefined : { path: file, frame: Number(number) - 1 }
}

/** The file of a frame's path. */
const fileOfFrame = (path: string): string => frameOf(path)?.path ?? path

/** `[paths]` equal numbers for frames of one file; undefined where there are no two of one. */
export function filesOfFrames(paths: readonly string[]): Int32Array | undefined {
  const numbers = new Map<string, number>()
  const files = Int32Array.from(paths, (path) => {
    const file = fileOfFrame(path)
    const number = numbers.get(file) ?? numbers.size
    numbers.set(file, number)
    return number
  })
  return numbers.size === paths.length ? undefined : files
}

type FramesChoice = Pick<CollectionOptions, 'frames'>

/** The files of a tree, with each frame a file of its own where that is asked for. */
export async function treeInFrames(
  tree: FileTree,
  { frames: choice }: FramesChoice,
  signal?: AbortSignal,
): Promise<FileTree> {
  if (choice !== 'all') return tree
  const { files } = tree.listing
  const frames = await framesOf(files, tree.contents(files, signal), signal)
  const byPath = new Map(frames.map((each) => [each.path, each]))
  const framesByFile = new Map<string, string[]>()
  for (const { path, file, frame } of frames) {
    if (frame === undefined) continue
    const own = framesByFile.get(files[file])
    if (own === undefined) framesByFile.set(files[file], [path])
    else own.push(path)
  }
  return {
    ...tree,
    listing: { ...tree.listing, files: frames.map(({ path }) => path) },
    framesOf: framesByFile,
    contents: (paths, own = signal) =>
      framesContents(
        paths.map((path) => byPath.get(path) ?? { path, file: files.indexOf(path) }),
        (wanted) =>
          tree.contents(
            wanted.map((file) => files[file]),
            own,
          ),
      ),
  }
}

/** The same of a table of images. */
export async function inFrames(
  collection: ImageCollection,
  { frames: choice }: FramesChoice,
  signal?: AbortSignal,
): Promise<ImageCollection> {
  if (choice !== 'all') return collection
  const { files } = collection
  const every = files.map((_, index) => index)
  const paths = files.map(({ path }) => path)
  const frames = await framesOf(paths, collection.contents(every, signal), signal)
  return {
    ...collection,
    files: frames.map(({ path, file }) => ({ ...files[file], path })),
    async *contents(indices, own) {
      const contents = framesContents(
        indices.map((index) => frames[index]),
        (wanted) => inOrder(wanted, collection.contents(wanted, own)),
      )
      for await (const content of contents) yield { ...content, index: indices[content.index] }
    },
  }
}

/** Contents whose `index` is a place in `wanted` rather than one of its values. */
async function* inOrder(
  wanted: readonly number[],
  contents: AsyncIterable<ImageContent>,
): AsyncGenerator<ImageContent> {
  const places = new Map(wanted.map((file, place) => [file, place]))
  for await (const content of contents) yield { ...content, index: places.get(content.index) ?? 0 }
}

/** @param contents of all paths, each with its place as index */
async function framesOf(
  paths: readonly string[],
  contents: AsyncIterable<ImageContent>,
  signal: AbortSignal | undefined,
): Promise<Frame[]> {
  const counts = new Array<number>(paths.length).fill(1)
  for await (const { index, load } of contents) {
    signal?.throwIfAborted()
    counts[index] = await framesOfFile(load)
  }
  const taken = new Set(paths)
  return paths.flatMap((path, file): Frame[] => {
    const frames = Array.from({ length: counts[file] }, (_, frame) => ({
      path: framePath(path, frame),
      file,
      frame,
    }))
    // A file whose name is that of a frame goes before it: then the first frame stands for the file.
    if (frames.length === 1 || frames.some((each) => taken.has(each.path))) return [{ path, file }]
    return frames
  })
}

/** 1 for what is no image, or damaged: what is wrong with it is said when it is decoded. */
export async function framesOfFile(load: () => Promise<Uint8Array>): Promise<number> {
  try {
    return Math.max(1, await countFrames(await load()))
  } catch (error) {
    if (error instanceof UnusableImage || (error instanceof Error && 'code' in error)) return 1
    throw error
  }
}

/** @param open gives the contents of files, each with its place in the list as index */
async function* framesContents(
  wanted: readonly Frame[],
  open: (files: readonly number[]) => AsyncIterable<ImageContent>,
): AsyncGenerator<ImageContent> {
  const places = new Map<number, number[]>()
  for (const [place, { file }] of wanted.entries()) places.set(file, [...(places.get(file) ?? []), place])
  const files = [...places.keys()]
  for await (const content of open(files)) {
    let loading: Promise<Uint8Array> | undefined
    const load = (): Promise<Uint8Array> => (loading ??= content.load())
    for (const place of places.get(files[content.index]) ?? []) {
      const { path, frame } = wanted[place]
      yield { index: place, path, frame, load }
    }
  }
}
