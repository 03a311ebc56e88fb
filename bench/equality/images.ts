/**
 * The images that runs are made from, the same every time: bars in grey, blots in colour, in the layouts that are understood
 * (class folders with splits, class folders with `unlabeled`, a labels file, a tar archive).
 */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'

/** Names in the working directory of a run; nothing in them is recorded. */
export const IMAGE_SETS = ['grey', 'photos', 'listed', 'new', 'photos.tar'] as const

export async function writeImages(parent: string): Promise<void> {
  const random = generator(7)
  await writeGrey(path.join(parent, 'grey'), random)
  await writePhotos(path.join(parent, 'photos'), random)
  await writeListed(path.join(parent, 'listed'), random)
  await writeNew(path.join(parent, 'new'), random)
  const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']
  await promisify(execFile)('tar', [...fixed, '-cf', 'photos.tar', 'photos'], { cwd: parent })
}

/** Bars that stand or lie, 12x12 grey, with a test split. */
async function writeGrey(folder: string, random: () => number): Promise<void> {
  for (const [split, count] of [
    ['train', 10],
    ['test', 8],
  ] as const) {
    for (const name of ['standing', 'lying'] as const) {
      for (let i = 0; i < count; i++)
        await save(path.join(folder, split, name, `${i}.png`), bar(name === 'standing', random))
    }
  }
  for (let i = 0; i < 20; i++)
    await save(path.join(folder, 'train', 'unlabeled', `${i}.png`), bar(i % 2 === 0, random))
}

/** Blots of three colours, of several sizes and forms, without a test split; one of the files is no image. */
async function writePhotos(folder: string, random: () => number): Promise<void> {
  const classes = ['cat', 'dog', 'owl'] as const
  for (const [place, name] of classes.entries())
    for (let i = 0; i < 5; i++) await save(path.join(folder, name, `${i}.png`), blot(place, random))
  for (let i = 0; i < 12; i++)
    await save(path.join(folder, 'unlabeled', `${i}.${i === 3 ? 'webp' : 'png'}`), blot(i % 3, random))
  await writeFile(path.join(folder, 'unlabeled', 'broken.png'), 'not an image')
}

/** Bars again, labelled by a file; some rows are empty and some images have none. */
async function writeListed(folder: string, random: () => number): Promise<void> {
  const rows: string[] = ['file_name,label']
  for (let i = 0; i < 24; i++) {
    const standing = i % 2 === 0
    const file = `${i < 10 ? 'early/' : ''}${i}.png`
    await save(path.join(folder, file), bar(standing, random))
    if (i < 12) rows.push(`${file},${standing ? 'standing' : 'lying'}`)
    else if (i < 16) rows.push(`${file},`)
  }
  await writeFile(path.join(folder, 'labels.csv'), `${rows.join('\n')}\n`)
}

async function writeNew(folder: string, random: () => number): Promise<void> {
  for (let i = 0; i < 4; i++) await save(path.join(folder, `bar-${i}.png`), bar(i % 2 === 0, random))
  for (let i = 0; i < 3; i++) await save(path.join(folder, `blot-${i}.png`), blot(i, random))
  await writeFile(path.join(folder, 'broken.png'), '')
}

interface Raster {
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
}

function bar(standing: boolean, random: () => number): Raster {
  const at = Math.floor(random() * 12)
  const pixels = Uint8Array.from({ length: 144 }, (_, place) => {
    const lit = at === (standing ? place % 12 : Math.floor(place / 12))
    return Math.floor(random() * 40) + (lit ? 200 : 0)
  })
  return { pixels, width: 12, height: 12, channels: 1 }
}

function blot(colour: number, random: () => number): Raster {
  const [width, height] = [12 + Math.floor(random() * 9), 12 + Math.floor(random() * 9)]
  const [x, y] = [random() * width, random() * height]
  const pixels = new Uint8Array(3 * width * height)
  for (let place = 0; place < width * height; place++) {
    const far = Math.hypot((place % width) - x, Math.floor(place / width) - y)
    for (let channel = 0; channel < 3; channel++)
      pixels[3 * place + channel] = Math.floor(random() * 50) + (far < 5 && channel === colour ? 200 : 0)
  }
  return { pixels, width, height, channels: 3 }
}

async function save(file: string, { pixels, ...raw }: Raster): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  const image = sharp(pixels, { raw })
  await (file.endsWith('.webp') ? image.webp({ lossless: true }) : image.png()).toFile(file)
}

/** Numbers in [0, 1) from a seed (Numerical Recipes' linear congruence): good enough for noise, and here to stay. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
