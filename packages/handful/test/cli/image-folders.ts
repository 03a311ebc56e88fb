/** Images that tests of the command line make. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import sharp from 'sharp'

/** Eight grey images of 12x12 in each folder, noise from a level up: folders of other levels are told apart easily. */
export async function writeGreyFolders(
  parent: string,
  folders: readonly (readonly [name: string, level: number])[],
): Promise<void> {
  const random = new Random(0, 'images')
  for (const [name, level] of folders) {
    await mkdir(path.join(parent, name), { recursive: true })
    for (let i = 0; i < 8; i++) {
      const pixels = Uint8Array.from({ length: 144 }, () => level + random.integer(40))
      await sharp(pixels, { raw: { width: 12, height: 12, channels: 1 } })
        .png()
        .toFile(path.join(parent, name, `${i}.png`))
    }
  }
}
