/**
 * bzip2 (Julian Seward's format, as "bzip2 and libbzip2, version 1.0.8" and Joe Tsai's "BZIP2 Format Specification" describe
 * it): blocks of up to 900 kB that were sorted by what follows each byte (Burrows and Wheeler), moved to the front, run-length
 * and Huffman coded. A block is unpacked at a time, and its checksum compared.
 */

const BLOCK_MAGIC = 0x314159265359
const END_MAGIC = 0x177245385090
const GROUP_SYMBOLS = 50
const LONGEST_CODE = 20
const BLOCK_UNIT = 100_000
const [RUN_A, RUN_B] = [0, 1]
/** Bytes handed out at a time: a block of runs may unpack to 46 MB. */
const CHUNK_BYTES = 65_536

/** Bits of a file, the highest of a byte first. */
class BitReader {
  readonly #chunks: Iterator<Uint8Array>
  #chunk = new Uint8Array()
  #at = 0
  #held = 0
  #count = 0

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]()
  }

  /** @throws Error at the end of the file */
  #byte(): number {
    const byte = this.#byteOrEnd()
    if (byte === undefined) throw new Error('unexpected end of data')
    return byte
  }

  #byteOrEnd(): number | undefined {
    while (this.#at === this.#chunk.length) {
      const next = this.#chunks.next()
      if (next.done === true) return undefined
      this.#chunk = new Uint8Array(next.value)
      this.#at = 0
    }
    return this.#chunk[this.#at++]
  }

  /** @param count up to 24 */
  bits(count: number): number {
    while (this.#count < count) {
      this.#held = ((this.#held & 0xffffff) << 8) | this.#byte()
      this.#count += 8
    }
    this.#count -= count
    return (this.#held >>> this.#count) & ((1 << count) - 1)
  }

  bit(): boolean {
    return this.bits(1) === 1
  }

  /** 32 bits as they are stored. */
  word(): number {
    return this.bits(16) * 65_536 + this.bits(16)
  }

  magic(): number {
    return this.bits(24) * 2 ** 24 + this.bits(24)
  }

  /** What follows the end of a stream, which ends with its byte: the next one, if there is one. */
  nextByte(): number | undefined {
    this.#count = 0
    return this.#byteOrEnd()
  }
}

/** One of a block's Huffman codes, canonical: by length, then by symbol. */
interface Code {
  readonly shortest: number
  readonly longest: number
  /** The highest code of each length. */
  readonly limits: Int32Array
  /** What a code of each length is above its symbol's place. */
  readonly bases: Int32Array
  readonly symbols: Uint16Array
}

/** CRC-32 of the polynomial 0x04c11db7, the highest bit first. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1
  return value
})

const damaged = (): Error => new Error('damaged bzip2 data')

/**
 * One stream or several, one behind the other; what follows that is none, such as padding, is passed over.
 *
 * @throws Error `unexpected end of data` for a file that is cut, another for one that is damaged
 */
export function* bunzip2(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  const reader = new BitReader(chunks)
  if (reader.nextByte() !== 0x42) throw damaged()
  for (;;) {
    yield* unpackStream(reader)
    // Files that were packed in parts have another stream behind the first.
    if (reader.nextByte() !== 0x42) return
  }
}

/** Behind the letter `B` that it begins with. */
function* unpackStream(reader: BitReader): Generator<Uint8Array> {
  if (reader.bits(16) !== 0x5a68) throw damaged()
  const level = reader.bits(8) - 0x30
  if (level < 1 || level > 9) throw damaged()
  const block = new Uint32Array(level * BLOCK_UNIT)
  let whole = 0
  for (;;) {
    const magic = reader.magic()
    const checksum = reader.word()
    if (magic === END_MAGIC) {
      if (checksum !== whole >>> 0) throw damaged()
      return
    }
    if (magic !== BLOCK_MAGIC) throw damaged()
    const start = readBlock(reader, block)
    if ((yield* unsorted(block, start)) !== checksum) throw damaged()
    whole = ((whole << 1) | (whole >>> 31)) ^ checksum
  }
}

interface Start {
  /** Place of the first byte among the sorted ones. */
  readonly origin: number
  readonly length: number
}

/** The sorted bytes of a block into the lowest bits of `block`. */
function readBlock(reader: BitReader, block: Uint32Array): Start {
  // Randomised blocks ended with version 0.9.
  if (reader.bit()) throw damaged()
  const origin = reader.bits(24)
  const front = usedBytes(reader)
  const codes = reader.bits(3)
  const selectors = readSelectors(reader, codes)
  const tables = Array.from({ length: codes }, () => readCode(reader, front.length + 2))
  const end = front.length + 1
  let [length, run, weight] = [0, 0, 1]
  for (let group = 0; ; group++) {
    if (group >= selectors.length) throw damaged()
    const table = tables[selectors[group]]
    for (let i = 0; i < GROUP_SYMBOLS; i++) {
      const symbol = readSymbol(reader, table)
      if (symbol === RUN_A || symbol === RUN_B) {
        run += symbol === RUN_A ? weight : 2 * weight
        weight *= 2
        if (run > block.length) throw damaged()
        continue
      }
      if (run > 0) {
        if (length + run > block.length) throw damaged()
        block.fill(front[0], length, length + run)
        length += run
        run = 0
        weight = 1
      }
      if (symbol === end) {
        if (origin >= length) throw damaged()
        return { origin, length }
      }
      if (length >= block.length) throw damaged()
      const byte = front[symbol - 1]
      front.copyWithin(1, 0, symbol - 1)
      front[0] = byte
      block[length++] = byte
    }
  }
}

/** The bytes that occur in a block, in their order. */
function usedBytes(reader: BitReader): Uint8Array {
  const rows = reader.bits(16)
  const found: number[] = []
  for (let row = 0; row < 16; row++) {
    if ((rows & (0x8000 >> row)) === 0) continue
    const own = reader.bits(16)
    for (let column = 0; column < 16; column++)
      if ((own & (0x8000 >> column)) !== 0) found.push(16 * row + column)
  }
  if (found.length === 0) throw damaged()
  return Uint8Array.from(found)
}

/** Which code each group of symbols has. */
function readSelectors(reader: BitReader, codes: number): Uint8Array {
  const count = reader.bits(15)
  if (codes < 2 || codes > 6 || count === 0) throw damaged()
  const front = Array.from({ length: codes }, (_, code) => code)
  const selectors = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    let place = 0
    while (reader.bit()) if (++place >= codes) throw damaged()
    const [code] = front.splice(place, 1)
    front.unshift(code)
    selectors[i] = code
  }
  return selectors
}

function readCode(reader: BitReader, symbols: number): Code {
  const lengths = new Uint8Array(symbols)
  let length = reader.bits(5)
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (;;) {
      if (length < 1 || length > LONGEST_CODE) throw damaged()
      if (!reader.bit()) break
      length += reader.bit() ? -1 : 1
    }
    lengths[symbol] = length
  }
  const [shortest, longest] = [Math.min(...lengths), Math.max(...lengths)]
  const limits = new Int32Array(LONGEST_CODE + 1).fill(-1)
  const bases = new Int32Array(LONGEST_CODE + 1)
  const ordered = new Uint16Array(symbols)
  let [code, place] = [0, 0]
  for (let own = shortest; own <= longest; own++) {
    bases[own] = code - place
    for (let symbol = 0; symbol < symbols; symbol++) {
      if (lengths[symbol] !== own) continue
      ordered[place++] = symbol
      code++
    }
    limits[own] = code - 1
    code *= 2
  }
  return { shortest, longest, limits, bases, symbols: ordered }
}

function readSymbol(reader: BitReader, { shortest, longest, limits, bases, symbols }: Code): number {
  let code = reader.bits(shortest)
  for (let length = shortest; length <= longest; length++) {
    if (code <= limits[length]) {
      const place = code - bases[length]
      if (place < 0) throw damaged()
      return symbols[place]
    }
    code = (code << 1) | reader.bits(1)
  }
  throw damaged()
}

/**
 * Sorted bytes in their first order, with runs of four and their number written out.
 * @returns their checksum
 */
function* unsorted(block: Uint32Array, { origin, length }: Start): Generator<Uint8Array, number> {
  const starts = new Uint32Array(256)
  for (let i = 0; i < length; i++) starts[block[i]]++
  for (let byte = 0, sum = 0; byte < 256; byte++) {
    const own = starts[byte]
    starts[byte] = sum
    sum += own
  }
  // Above the byte at each place stands the place of the byte that follows it.
  for (let i = 0; i < length; i++) block[starts[block[i] & 0xff]++] |= i << 8
  let chunk = new Uint8Array(CHUNK_BYTES)
  let [filled, crc, place, last, run] = [0, -1, block[origin] >>> 8, -1, 0]
  for (let left = length; left > 0; left--) {
    const entry = block[place]
    place = entry >>> 8
    const byte = entry & 0xff
    let copies = 1
    let value = byte
    if (run === 4) {
      ;[copies, value, run, last] = [byte, last, 0, -1]
    } else {
      run = byte === last ? run + 1 : 1
      last = byte
    }
    for (; copies > 0; copies--) {
      crc = (crc << 8) ^ CRC_TABLE[((crc >>> 24) ^ value) & 0xff]
      chunk[filled++] = value
      if (filled < CHUNK_BYTES) continue
      yield chunk
      chunk = new Uint8Array(CHUNK_BYTES)
      filled = 0
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled)
  return ~crc >>> 0
}
