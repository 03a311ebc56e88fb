/**
 * Takes out of what a command leaves behind what may differ between two runs of the same program, field by field:
 *
 *   environment   versions and machine, where an object or a table row is about them; the commit altogether, since it is
 *                 left out of a run where git is slow to tell it
 *   places        the working directory and the checkout
 *   hashes        in the names of a study's files; they are recorded as keys
 *   times         only in runs under the real clock: all others see one that stands still
 *   pictures      in texts, as their pixels, whose numbers count, not how they are compressed
 */
import { createHash } from 'node:crypto'
import sharp from 'sharp'
import type { Value } from './recording.js'

const ENVIRONMENT_FIELDS = new Set([
  'handful',
  'memoryBytes',
  'node',
  'onnxruntime',
  'processor',
  'processors',
  'sharp',
  'system',
])
const COMMIT = 'commit'
const TIME_FIELDS = new Set(['seconds', 'startedAt', 'finishedAt', 'createdAt', 'imagesPerSecond'])
/** Longer lists of numbers are recorded by a digest. */
const LONGEST_LIST = 400

export interface Normaliser {
  /** Text to be taken out and what stands in its place, longest first. */
  readonly places: readonly (readonly [string, string])[]
  /** Whether the run had the real clock, so that times differ. */
  readonly realClock: boolean
}

export const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

export function normaliseText(text: string, { places }: Normaliser): string {
  let result = text
  for (const [found, instead] of places) result = result.replaceAll(found, instead)
  return withoutHashes(result)
}

/** `features/vae-15be89e3.safetensors`, `stages/cell-9cddc49317b295f4.json`. */
export const withoutHashes = (text: string): string =>
  text.replaceAll(/\b((?:features|models|stages)\/[\w+]+)-[0-9a-f]{8,16}\b/g, '$1-<hash>')

/** Text of a page, with environment rows emptied and pictures by their pixels. */
export async function normalisePage(text: string, normaliser: Normaliser): Promise<string> {
  const pictures = await picturesByPixels(text)
  const rows = pictures.replaceAll(
    /(<th scope="row">(\w+)<\/th>\s*<td>)[^<]*(<\/td>)/g,
    (row: string, before: string, name: string, after: string) =>
      ENVIRONMENT_FIELDS.has(name) ? `${before}<environment>${after}` : row,
  )
  const known = rows
    .replaceAll(/<tr>\s*<th scope="row">commit<\/th>\s*<td>[^<]*<\/td>\s*<\/tr>/g, '')
    .replaceAll(/^commit: .*\n/gm, '')
  const lines = known.replaceAll(/^(\w+): .*$/gm, (line: string, name: string) =>
    ENVIRONMENT_FIELDS.has(name) ? `${name}: <environment>` : line,
  )
  return normaliseText(lines, normaliser)
}

const DATA_URI = /data:image\/(?:png|svg\+xml);base64,[A-Za-z0-9+/]*={0,2}/g

async function picturesByPixels(text: string): Promise<string> {
  const found = [...new Set(text.match(DATA_URI) ?? [])]
  const names = new Map(await Promise.all(found.map(async (uri) => [uri, await pictureName(uri)] as const)))
  return text.replaceAll(DATA_URI, (uri) => names.get(uri) ?? uri)
}

async function pictureName(uri: string): Promise<string> {
  const bytes = Buffer.from(uri.slice(uri.indexOf(',') + 1), 'base64')
  if (!uri.startsWith('data:image/png')) return `<svg ${digest(bytes)}>`
  return `<picture ${await pixelsOf(bytes)}>`
}

/** Size and digest of a picture's pixels. */
export async function pixelsOf(picture: Uint8Array): Promise<string> {
  const { data, info } = await sharp(picture).raw().toBuffer({ resolveWithObject: true })
  return `${info.width}x${info.height}x${info.channels} ${digest(data)}`
}

export interface NormalisedJson {
  readonly value: Value
  /** Keys by their place in the tree. */
  readonly keys: Record<string, string>
}

export async function normaliseJson(json: unknown, normaliser: Normaliser): Promise<NormalisedJson> {
  const keys: Record<string, string> = {}
  const value = await tree(json, '', { normaliser, keys })
  return { value, keys }
}

interface Walk {
  readonly normaliser: Normaliser
  readonly keys: Record<string, string>
}

async function tree(json: unknown, at: string, walk: Walk): Promise<Value> {
  if (typeof json === 'string') return normaliseText(await picturesByPixels(json), walk.normaliser)
  if (Array.isArray(json)) return list(json, at, walk)
  if (typeof json !== 'object' || json === null) return json as Value
  const isEnvironment = 'node' in json && 'processor' in json
  const entries: [string, Value][] = []
  for (const [name, inner] of Object.entries(json as Record<string, unknown>)) {
    if (isEnvironment && name === COMMIT) continue
    if (isEnvironment && ENVIRONMENT_FIELDS.has(name)) entries.push([name, '<environment>'])
    else if (walk.normaliser.realClock && TIME_FIELDS.has(name)) entries.push([name, '<time>'])
    else if (name === 'key' && isHash(inner)) {
      walk.keys[`${at}.${name}`] = inner
      entries.push([name, '<key>'])
    } else entries.push([name, await tree(inner, `${at}.${name}`, walk)])
  }
  return Object.fromEntries(entries)
}

const isHash = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{16,64}$/.test(value)

async function list(json: readonly unknown[], at: string, walk: Walk): Promise<Value> {
  if (json.length > LONGEST_LIST && json.every((each) => typeof each === 'number'))
    return { numbers: json.length, first: json.slice(0, 5), sha256: digest(JSON.stringify(json)) }
  return Promise.all(json.map((each, i) => tree(each, `${at}.${i}`, walk)))
}
