/**
 * The metadata of an ONNX file, which onnxruntime-web does not give: the model's fields are walked, large ones skipped.
 * ModelProto (onnx.proto): field 14 `metadata_props`, each a key (1) and a value (2).
 */

const METADATA = 14

export function onnxMetadata(file: Uint8Array): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const { field, content } of fields(file)) {
    if (field !== METADATA || content === undefined) continue
    const texts = new Map<number, string>()
    for (const part of fields(content))
      if (part.content !== undefined) texts.set(part.field, new TextDecoder().decode(part.content))
    const key = texts.get(1)
    if (key !== undefined) found.set(key, texts.get(2) ?? '')
  }
  return found
}

interface Field {
  readonly field: number
  /** Of fields with a length. */
  readonly content?: Uint8Array
}

/** Protocol buffers: a key (number and kind), then a varint, 8 bytes, a length with as many bytes, or 4 bytes. */
function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let power = 1; ; power *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('the model: its file ends too early')
      value += (byte & 127) * power
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const field = Math.floor(key / 8)
    const kind = key % 8
    if (kind === 0) varint()
    else if (kind === 1) at += 8
    else if (kind === 5) at += 4
    else if (kind === 2) {
      const length = varint()
      if (at + length > bytes.length) throw new Error('the model: its file ends too early')
      yield { field, content: bytes.subarray(at, at + length) }
      at += length
    } else throw new Error('the model: its file is no ONNX model')
  }
}
