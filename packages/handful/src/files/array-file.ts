/** Arrays in safetensors files, read and written without a second copy of them in memory. */
import { open } from 'node:fs/promises'
import { type Arrays, readSafetensors, type Safetensors, safetensorsParts } from 'onnx-autodiff'
import { writeFileAtomic } from './atomic.js'

/** Bytes read at once: a file is read in pieces, since no call reads more than 2 GiB. */
const PIECE = 2 ** 30

/**
 * @throws the system's error where the file cannot be read, SafetensorsError where it is another kind of file or damaged
 */
export async function readArrays(file: string): Promise<Safetensors> {
  const handle = await open(file)
  try {
    const { size } = await handle.stat()
    return await readSafetensors({
      size,
      async read(start, end) {
        const bytes = new Uint8Array(end - start)
        for (let done = 0; done < bytes.length;) {
          const length = Math.min(PIECE, bytes.length - done)
          const { bytesRead } = await handle.read(bytes, done, length, start + done)
          if (bytesRead === 0)
            throw new Error(`${file}: got an end at byte ${start + done}, expected ${size} bytes`)
          done += bytesRead
        }
        return bytes
      },
    })
  } finally {
    await handle.close()
  }
}

/** @throws HandfulError if the file cannot be written */
export async function writeArrays(
  file: string,
  arrays: Arrays,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  await writeFileAtomic(file, safetensorsParts(arrays, metadata))
}
