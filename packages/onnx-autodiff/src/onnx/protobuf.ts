/**
 * The wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/), as much of it as ONNX uses:
 * a writer that fills one buffer from its end to its front, so that a message's length is known by the time its header
 * is written (no second pass, no nested buffers), and a reader that trusts nothing it is given.
 */

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

const MAX_VARINT_BYTES = 10
const MAX_FIELD = 2 ** 29 - 1

const WIRE_NAMES: Readonly<Record<number, string>> = {
  [VARINT]: 'varint',
  [FIXED64]: '64-bit',
  [BYTES]: 'length-delimited',
  [FIXED32]: '32-bit',
}

/**
 * Writes messages backwards: **the last field first**, and for a nested message its content first, then
 * `endMessage(field, mark)` with what `mark()` gave before the content.
 */
export class ProtoWriter {
  #buffer: Uint8Array
  #view: DataView
  #start: number

  /** @param capacity bytes to set aside; a good guess saves copying, a bad one costs no more than doubling */
  constructor(capacity = 1 << 16) {
    this.#buffer = new Uint8Array(capacity)
    this.#view = new DataView(this.#buffer.buffer)
    this.#start = capacity
  }

  /** A copy of what has been written, in its own buffer of exactly that size. */
  finish(): Uint8Array {
    return this.#buffer.slice(this.#start)
  }

  /** Bytes written so far. */
  mark(): number {
    return this.#buffer.length - this.#start
  }

  /** Makes a message field of all that was written since `mark`. */
  endMessage(field: number, mark: number): void {
    this.#varint(this.mark() - mark)
    this.#tag(field, BYTES)
  }

  /** An int64, int32 or enum field. @param value a safe integer */
  int(field: number, value: number): void {
    this.#varint(value)
    this.#tag(field, VARINT)
  }

  /** A repeated integer field in its packed form; nothing at all if there is no value. */
  packedInts(field: number, values: readonly number[]): void {
    if (values.length === 0) return
    const mark = this.mark()
    for (let i = values.length - 1; i >= 0; i--) this.#varint(values[i])
    this.endMessage(field, mark)
  }

  float(field: number, value: number): void {
    this.#float(value)
    this.#tag(field, FIXED32)
  }

  packedFloats(field: number, values: readonly number[]): void {
    if (values.length === 0) return
    const mark = this.mark()
    for (let i = values.length - 1; i >= 0; i--) this.#float(values[i])
    this.endMessage(field, mark)
  }

  bytes(field: number, value: Uint8Array): void {
    this.#reserve(value.length)
    this.#start -= value.length
    this.#buffer.set(value, this.#start)
    this.#varint(value.length)
    this.#tag(field, BYTES)
  }

  /** A text in UTF-8. */
  text(field: number, value: string): void {
    this.#reserve(value.length)
    // Names in a graph are ASCII, and thousands of them are faster written here than through a TextEncoder.
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) return this.bytes(field, new TextEncoder().encode(value))
      this.#buffer[this.#start - value.length + i] = code
    }
    this.#start -= value.length
    this.#varint(value.length)
    this.#tag(field, BYTES)
  }

  #tag(field: number, wire: number): void {
    this.#varint(field * 8 + wire)
  }

  #float(value: number): void {
    this.#reserve(4)
    this.#start -= 4
    this.#view.setFloat32(this.#start, value, true)
  }

  #varint(value: number): void {
    this.#reserve(MAX_VARINT_BYTES)
    if (value >= 0 && value < 0x80) {
      this.#buffer[--this.#start] = value
      return
    }
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(`integer (protobuf): got ${value}, expected a whole number within 2^53`)
    }
    let length = 0
    const bytes = new Array<number>(MAX_VARINT_BYTES)
    if (value >= 0) {
      for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes[length++] = (value % 0x80) | 0x80
      bytes[length++] = value
    } else {
      // A negative integer is its 64-bit two's complement, always ten bytes long.
      let bits = BigInt.asUintN(64, BigInt(value))
      for (; bits >= 0x80n; bits >>= 7n) bytes[length++] = Number(bits & 0x7fn) | 0x80
      bytes[length++] = Number(bits)
    }
    this.#start -= length
    for (let i = 0; i < length; i++) this.#buffer[this.#start + i] = bytes[i]
  }

  #reserve(size: number): void {
    if (size <= this.#start) return
    const used = this.mark()
    const grown = new Uint8Array(Math.max(2 * this.#buffer.length, used + size + 1024))
    grown.set(this.#buffer.subarray(this.#start), grown.length - used)
    this.#buffer = grown
    this.#view = new DataView(grown.buffer)
    this.#start = grown.length - used
  }
}

/** Raised by `ProtoReader`: the bytes are no message. `where` is the byte's position in the whole file. */
export class ProtoError extends Error {
  override readonly name = 'ProtoError'
}

/**
 * Reads one message field by field:
 *
 *     while (reader.next()) switch (reader.field) { case 1: name = reader.text(); break; default: reader.skip() }
 *
 * Every length is checked against what is left before anything is read or allocated.
 */
export class ProtoReader {
  /** The number of the field that `next` has found. */
  field = 0
  #wire = 0
  #position: number
  readonly #end: number
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#position = start
    this.#end = end
  }

  /** Position in the file, for messages. */
  get position(): number {
    return this.#position
  }

  /** Moves to the next field; false at the end of the message. */
  next(): boolean {
    if (this.#position >= this.#end) return false
    const tag = Number(this.#varint())
    this.field = Math.floor(tag / 8)
    this.#wire = tag % 8
    if (this.field < 1 || this.field > MAX_FIELD) {
      throw this.#error(`field number: got ${this.field}, expected 1 to ${MAX_FIELD}`)
    }
    if (WIRE_NAMES[this.#wire] === undefined) {
      throw this.#error(`wire type of field ${this.field}: got ${this.#wire}, expected 0, 1, 2 or 5`)
    }
    return true
  }

  skip(): void {
    if (this.#wire === VARINT) this.#varint()
    else if (this.#wire === FIXED64) this.#advance(8)
    else if (this.#wire === FIXED32) this.#advance(4)
    else this.#advance(this.#length())
  }

  /** A signed 64-bit integer that fits a JavaScript number exactly. */
  int(): number {
    this.#expect(VARINT)
    return this.#safe(this.bigint())
  }

  bigint(): bigint {
    this.#expect(VARINT)
    return BigInt.asIntN(64, this.#varint())
  }

  float(): number {
    this.#expect(FIXED32)
    return this.#view.getFloat32(this.#advance(4), true)
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    this.#expect(BYTES)
    const length = this.#length()
    const start = this.#advance(length)
    return this.#bytes.subarray(start, start + length)
  }

  text(): string {
    const start = this.#position
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes())
    } catch (error) {
      if (error instanceof ProtoError) throw error
      throw new ProtoError(`text of field ${this.field} (byte ${start}): not valid UTF-8`)
    }
  }

  message(): ProtoReader {
    this.#expect(BYTES)
    const length = this.#length()
    const start = this.#advance(length)
    return new ProtoReader(this.#bytes, start, start + length)
  }

  /** Appends the values of a repeated integer field, packed or not. */
  bigints(into: bigint[]): void {
    if (this.#wire === VARINT) into.push(this.bigint())
    else {
      const packed = this.message()
      while (packed.#position < packed.#end) into.push(BigInt.asIntN(64, packed.#varint()))
    }
  }

  ints(into: number[]): void {
    const values: bigint[] = []
    this.bigints(values)
    for (const value of values) into.push(this.#safe(value))
  }

  floats(into: number[]): void {
    if (this.#wire === FIXED32) into.push(this.float())
    else {
      const packed = this.message()
      while (packed.#position < packed.#end) into.push(this.#view.getFloat32(packed.#advance(4), true))
    }
  }

  #safe(value: bigint): number {
    const number = Number(value)
    if (!Number.isSafeInteger(number)) {
      throw this.#error(`integer of field ${this.field}: got ${value}, expected one within 2^53`)
    }
    return number
  }

  #expect(wire: number): void {
    if (this.#wire !== wire) {
      const found = WIRE_NAMES[this.#wire]
      throw this.#error(`field ${this.field}: got a ${found} value, expected a ${WIRE_NAMES[wire]} one`)
    }
  }

  #length(): number {
    const length = Number(this.#varint())
    if (length > this.#end - this.#position) {
      throw this.#error(
        `length of field ${this.field}: got ${length} bytes, expected at most the ${this.#end - this.#position} left`,
      )
    }
    return length
  }

  #advance(size: number): number {
    const start = this.#position
    if (size > this.#end - start) {
      throw this.#error(`truncated: got ${this.#end - start} bytes, expected ${size} more`)
    }
    this.#position += size
    return start
  }

  #varint(): bigint {
    let low = 0
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#bytes[this.#advance(1)]
      if (i < 7) {
        low += (byte & 0x7f) * 2 ** (7 * i)
        if (byte < 0x80) return BigInt(low)
      } else return this.#longVarint(BigInt(low), byte)
    }
    throw new Error('internal: a varint read past its seventh byte')
  }

  /** The rest of an integer of 50 bits or more, from its eighth byte on. */
  #longVarint(low: bigint, byte: number): bigint {
    let value = low
    for (let shift = 49n; ; shift += 7n) {
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        if (value >= 1n << 64n) throw this.#error('varint: got over 64 bits, expected at most 64')
        return value
      }
      if (shift === 63n) throw this.#error(`varint: got over ${MAX_VARINT_BYTES} bytes, expected fewer`)
      byte = this.#bytes[this.#advance(1)]
    }
  }

  #error(problem: string): ProtoError {
    return new ProtoError(`${problem} (byte ${this.#position})`)
  }
}
