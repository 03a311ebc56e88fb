/** What a model says of itself, as `handful export` writes it (docs/export.md), checked: it may come from anywhere. */

export interface ModelMetadata {
  readonly classes: readonly string[]
  readonly inputs: readonly { readonly name: string; readonly size: number; readonly channels: 1 | 3 }[]
  readonly square: { readonly fit: 'cover' | 'pad' | 'stretch' }
  readonly run: string
  readonly model: string
  readonly date: string
  readonly accuracy?: { readonly value: number; readonly low: number; readonly high: number }
}

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown): value is string => typeof value === 'string'

/** @throws Error for a model that says nothing of itself */
export function readMetadata(text: string | undefined): ModelMetadata {
  if (text === undefined) throw new Error('not a model that handful exported')
  const value: unknown = JSON.parse(text)
  const fail = (what: string): never => {
    throw new Error(`its description has no ${what}`)
  }
  if (!isFields(value)) return fail('fields')
  const { classes, inputs, square, accuracy } = value
  const isClasses = Array.isArray(classes) && classes.length > 0 && classes.every(isText)
  const fit = isFields(square) ? square.fit : undefined
  return {
    classes: isClasses ? classes : fail('classes'),
    inputs:
      Array.isArray(inputs) && inputs.length > 0
        ? inputs.map((each) => readInput(each, fail))
        : fail('inputs'),
    square: { fit: fit === 'cover' || fit === 'pad' || fit === 'stretch' ? fit : fail('fit') },
    run: isText(value.run) ? value.run : '',
    model: isText(value.model) ? value.model : '',
    date: isText(value.date) ? value.date : '',
    accuracy: readAccuracy(accuracy),
  }
}

function readInput(value: unknown, fail: (what: string) => never): ModelMetadata['inputs'][number] {
  if (!isFields(value)) return fail('inputs')
  const { name, size, channels } = value
  const isSize = typeof size === 'number' && Number.isInteger(size) && size > 0 && size <= 4096
  if (isText(name) && isSize && (channels === 1 || channels === 3)) return { name, size, channels }
  return fail('usable input')
}

function readAccuracy(value: unknown): ModelMetadata['accuracy'] {
  if (!isFields(value)) return undefined
  const { value: share, low, high } = value
  if (typeof share !== 'number' || typeof low !== 'number' || typeof high !== 'number') return undefined
  return { value: share, low, high }
}
