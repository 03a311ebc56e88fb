/**
 * Which row of a table belongs to which image: by the path, where one is the end of the other (`cat/1.jpg` and
 * `/data/photos/cat/1.jpg`, or `1.jpg` where only one image is called so), with or without the ending.
 */
import { printable, quoted } from '../errors.js'
import { closest } from '../errors/suggest.js'
import { embeddingsError } from './embedding-table.js'

/** Forward slashes, one form of letters, nothing before the path itself. */
const plain = (name: string): string =>
  name
    .trim()
    .normalize('NFC')
    .replaceAll('\\', '/')
    .replace(/^(file:\/\/)?(\.?\/)+/, '')

const withoutEnding = (name: string): string => name.replace(/\.[a-z0-9]{1,5}$/i, '')

/** `a/b/c.jpg`, `b/c.jpg`, `c.jpg`. */
function* endsOf(name: string): Generator<string> {
  let at = 0
  for (;;) {
    yield name.slice(at)
    const slash = name.indexOf('/', at)
    if (slash < 0) return
    at = slash + 1
  }
}

const SEVERAL = -2

/** Places by key; SEVERAL where a key has more than one. */
function placesBy(
  names: readonly string[],
  keysOf: (name: string) => Iterable<string>,
): ReadonlyMap<string, number> {
  const places = new Map<string, number>()
  for (const [place, name] of names.entries())
    for (const key of keysOf(name)) places.set(key, places.has(key) ? SEVERAL : place)
  return places
}

/**
 * The row of each image. Rows of no image are left out.
 *
 * @param where the table, for messages
 * @throws HandfulError for a name that stands twice, for an image without a row, or with several that may be its own
 */
export function matchRows(
  where: string,
  rowNames: readonly string[],
  imageNames: readonly string[],
): Int32Array {
  const rows = rowNames.map(plain)
  const images = imageNames.map(plain)
  checkRepeats(where, rows)
  const found = new Int32Array(images.length).fill(-1)
  const taken = new Map<number, number>()
  const finders = [identity, withoutEnding].map((form) => finderOf(rows.map(form), images.map(form), form))
  const missing: number[] = []
  for (const [i, image] of images.entries()) {
    const row = finders.map((find) => find(image)).find((each) => each !== undefined)
    if (row === undefined) {
      missing.push(i)
      continue
    }
    if (row === SEVERAL)
      throw embeddingsError(
        where,
        `several rows or images that ${quoted(imageNames[i])} may mean`,
        'one row for each image',
        "name images by their path relative to the images' folder",
      )
    const other = taken.get(row)
    if (other !== undefined)
      throw embeddingsError(
        where,
        `one row ${quoted(rowNames[row])} for ${quoted(imageNames[other])} and ${quoted(imageNames[i])}`,
        'a row for each image',
        "name images by their path relative to the images' folder",
      )
    taken.set(row, i)
    found[i] = row
  }
  if (missing.length === 0) return found
  const example = imageNames[missing[0]]
  const near = closest(plain(example), rows.slice(0, 2000)) ?? rows[0]
  throw embeddingsError(
    where,
    `no row for ${missing.length} of ${images.length} images, such as ${quoted(example)}`,
    'a row for each image, by its file name',
    near === undefined ? undefined : `its rows are called ${quoted(near)} and so on`,
  )
}

const identity = (name: string): string => name

/** @param form what is made of a name before it is looked for */
function finderOf(
  rows: readonly string[],
  images: readonly string[],
  form: (name: string) => string,
): (image: string) => number | undefined {
  const whole = placesBy(rows, (name) => [name])
  const ends = placesBy(rows, endsOf)
  const imageEnds = placesBy(images, endsOf)
  return (image) => {
    const name = form(image)
    const exact = whole.get(name)
    if (exact !== undefined) return exact
    // The table knows more of the path than we do.
    const longer = ends.get(name)
    if (longer !== undefined) return longer
    // The table knows less: which must then be one image's alone.
    for (const end of endsOf(name)) {
      const row = whole.get(end)
      if (row !== undefined) return imageEnds.get(end) === SEVERAL ? SEVERAL : row
    }
    return undefined
  }
}

function checkRepeats(where: string, names: readonly string[]): void {
  const first = new Map<string, number>()
  for (const [place, name] of names.entries()) {
    if (name === '') throw embeddingsError(where, `row ${place + 1} without a name`, 'a name in each row')
    const before = first.get(name)
    if (before !== undefined)
      throw embeddingsError(
        where,
        `${quoted(name)} in rows ${before + 1} and ${place + 1}`,
        'one row for each image',
        'remove one of them',
      )
    first.set(name, place)
  }
}

/** How many rows are of no image here, in a sentence. */
export const unusedInWords = (where: string, rows: number, images: number): string[] =>
  rows <= images
    ? []
    : [`${rows - images} of ${rows} rows of ${printable(where)} are of images that are not here`]
