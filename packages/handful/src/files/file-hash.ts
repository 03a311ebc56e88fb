/** Hashes of files that need not fit into memory. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** @throws the system's error where the file cannot be read */
export async function addFile(hash: Hash, file: string): Promise<void> {
  for await (const bytes of createReadStream(file) as AsyncIterable<Uint8Array>) hash.update(bytes)
}

/** Of a file's content, in hexadecimal. @throws the system's error where the file cannot be read */
export async function fileSha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await addFile(hash, file)
  return hash.digest('hex')
}
