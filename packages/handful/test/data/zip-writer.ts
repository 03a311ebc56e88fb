/** Zip archives for tests. */
import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipItem {
  readonly name: string | Uint8Array
  readonly content: Uint8Array | string
  /** 0 stored, 8 deflated, or what a test needs said. */
  readonly method?: number
  readonly flags?: number
  /** Of the file system, in the upper half. */
  readonly attributes?: number
  /** In place of the right one. */
  readonly checksum?: number
}

export function zip(items: readonly ZipItem[]): Buffer {
  const [locals, centrals]: Buffer[][] = [[], []]
  let at = 0
  for (const { name, content, method = 8, flags = 0x800, attributes = 0, checksum } of items) {
    const bytes = Buffer.from(content)
    const stored = method === 8 ? deflateRawSync(bytes) : bytes
    const title = Buffer.from(name)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(flags, 2)
    fields.writeUInt16LE(method, 4)
    fields.writeUInt32LE(checksum ?? crc32(bytes), 10)
    fields.writeUInt32LE(stored.length, 14)
    fields.writeUInt32LE(bytes.length, 18)
    fields.writeUInt16LE(title.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, title, stored])
    const central = Buffer.alloc(46)
    central.write('PK\x01\x02', 'latin1')
    central.writeUInt16LE((3 << 8) | 20, 4)
    fields.copy(central, 6)
    central.writeUInt32LE(attributes * 65_536, 38)
    central.writeUInt32LE(at, 42)
    locals.push(local)
    centrals.push(central, title)
    at += local.length
  }
  const directory = Buffer.concat(centrals)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(items.length, 8)
  end.writeUInt16LE(items.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...locals, directory, end])
}
