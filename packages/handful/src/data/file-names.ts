/**
 * From a name in a table of labels to the file that it means. As it is written first; then with other slashes, composed
 * or decomposed; then what people's tables do with names, if exactly one file fits: no extension (`0000`), zeros in front
 * that a spreadsheet took away, other capitals, the extension of before the images were converted, folders of the data set or
 * of another machine in front, an address.
 */

import { endsIn, IMAGE_ENDINGS } from '../names.js'
import { uploadedName } from './label-studio.js'

/** What a name leaves out of or adds to a path, in words. */
export type NameForm =
  | 'without their extension'
  | 'without their zeros in front'
  | 'in other capitals'
  | 'with another extension'
  | 'with folders in front'
  | 'as addresses'

export type FoundName =
  | { readonly kind: 'one'; readonly path: string; readonly form?: NameForm }
  | { readonly kind: 'several'; readonly paths: readonly string[] }
  | { readonly kind: 'none' }

const NONE: FoundName = { kind: 'none' }

export interface FileNamesOptions {
  /** What precedes all names, such as `train/`. */
  readonly prefix: string
  /** The data set's folder as paths outside of it would have it in front: `/home/me/photos`, `photos`. */
  readonly roots: readonly string[]
  /** Frames of those files, which are found by their own names alone: `stack.tif#2`. */
  readonly frames?: readonly string[]
}

export class FileNames {
  readonly #paths: readonly string[]
  readonly #roots: readonly string[]
  readonly #prefix: string
  readonly #exact: ReadonlySet<string>
  readonly #indices = new Map<(path: string) => string, Map<string, string[]>>()

  /** @param paths all files, those outside the prefix among them */
  constructor(paths: readonly string[], { prefix, roots, frames = [] }: FileNamesOptions) {
    this.#prefix = prefix
    this.#roots = roots
    this.#paths = paths
    this.#exact = new Set([...paths, ...frames])
  }

  /** The file that a name means. */
  find(name: string): FoundName {
    if (this.#exact.has(this.#prefix + name)) return { kind: 'one', path: this.#prefix + name }
    const cleaned = cleanPath(name)
    if (cleaned === undefined) return this.#outside(name)
    if (cleaned === '') return NONE
    const path = this.#prefix + cleaned
    if (this.#exact.has(path)) return { kind: 'one', path }
    const plain = this.#among(composed, composed(path))
    if (plain.kind !== 'none') return plain
    const address = uploadedName(name.trim())
    return address === undefined ? this.#loosely(path) : this.#inFolders(address, 'as addresses')
  }

  #loosely(path: string): FoundName {
    for (const { key, form, wanted = key } of FORMS) {
      const found = this.#among(key, wanted(path), form)
      if (found.kind !== 'none') return found
    }
    for (const root of this.#roots) {
      if (path.startsWith(`${root}/`)) return this.#inside(path.slice(root.length + 1))
    }
    return NONE
  }

  /** What leads out of the folder, or from the root of the disk. */
  #outside(name: string): FoundName {
    const address = uploadedName(name.trim())
    if (address !== undefined) return this.#inFolders(address, 'as addresses')
    const slashed = name.trim().replaceAll('\\', '/')
    const root = this.#roots.find((each) => each.startsWith('/') && slashed.startsWith(`${each}/`))
    if (root !== undefined) return this.#inside(slashed.slice(root.length + 1))
    // Where the images lay on the machine that the table was made on.
    return isAbsolute(slashed)
      ? this.#inFolders(slashed.replace(/^[a-z]:/i, ''), 'with folders in front')
      : NONE
  }

  #inside(path: string): FoundName {
    return this.#among(composed, composed(path), 'with folders in front')
  }

  /** The whole path, or as many of its last parts as one file has; letter by letter where there is such a file. */
  #inFolders(path: string, form: NameForm): FoundName {
    const asWritten = path.replace(/^\/+/, '').split('/')
    for (let first = 0; first < asWritten.length; first++) {
      const exact = this.#prefix + asWritten.slice(first).join('/')
      if (this.#exact.has(exact)) return { kind: 'one', path: exact, form }
    }
    const parts = (cleanPath(path.replace(/^\/+/, '')) ?? '').split('/')
    for (let first = 0; first < parts.length; first++) {
      const found = this.#among(composed, composed(this.#prefix + parts.slice(first).join('/')), form)
      if (found.kind !== 'none') return found
    }
    return this.#among(baseName, baseName(`/${parts[parts.length - 1]}`), form)
  }

  #among(key: (path: string) => string, wanted: string | undefined, form?: NameForm): FoundName {
    if (wanted === undefined) return NONE
    let index = this.#indices.get(key)
    if (index === undefined) {
      index = new Map<string, string[]>()
      for (const path of this.#paths) {
        if (!path.startsWith(this.#prefix)) continue
        const own = index.get(key(path))
        if (own === undefined) index.set(key(path), [path])
        else own.push(path)
      }
      this.#indices.set(key, index)
    }
    const paths = index.get(wanted) ?? []
    if (paths.length === 0) return NONE
    return paths.length === 1 ? { kind: 'one', path: paths[0], form } : { kind: 'several', paths }
  }
}

const composed = (path: string): string => path.normalize('NFC')
const stem = (path: string): string => composed(path).replace(/\.[^./]*$/, '')
const bareNumber = (path: string): string => stem(path).replace(/(^|\/)0+(?=\d+$)/, '$1')
const lower = (path: string): string => composed(path).toLowerCase()
const lowerStem = (path: string): string => stem(path).toLowerCase()
const baseName = (path: string): string => composed(path).slice(path.normalize('NFC').lastIndexOf('/') + 1)

/** Of images as they were before they were converted. */
const FORMER_ENDINGS = [...IMAGE_ENDINGS, 'jp2', 'j2k', 'jxl', 'dcm', 'nii', 'npy', 'svs', 'mha']

interface LooseForm {
  /** What a file's path and a name have to have in common. */
  readonly key: (path: string) => string
  readonly form: NameForm
  /** The key of a name, where it is not found as that of a path is; undefined for names that the form says nothing of. */
  readonly wanted?: (name: string) => string | undefined
}

const FORMS: readonly LooseForm[] = [
  { key: stem, form: 'without their extension', wanted: (name) => stem(`${name}.x`) },
  { key: bareNumber, form: 'without their zeros in front', wanted: (name) => bareNumber(`${name}.x`) },
  { key: lower, form: 'in other capitals' },
  {
    key: lowerStem,
    form: 'with another extension',
    wanted: (name) => (endsIn(name, FORMER_ENDINGS) ? lowerStem(name) : undefined),
  },
]

const isAbsolute = (path: string): boolean => path.startsWith('/') || /^[a-z]:[\\/]/i.test(path)

/** Forward slashes, no leading `./`; undefined for what leaves the folder. */
export function cleanPath(path: string): string | undefined {
  const trimmed = path.trim()
  if (isAbsolute(trimmed)) return undefined
  const parts: string[] = []
  for (const part of trimmed.replaceAll('\\', '/').split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  return parts.join('/')
}
