/**
 * The few lines that load an image, make the square as handful does and print class and probability, for onnxruntime in
 * Node, in a browser and in Python: for docs/export.md, which a test runs, and for model cards.
 */
import { besideModel } from './model-files.js'

const NODE = `
import { readFileSync } from 'node:fs'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import sharp from 'sharp'

const { classes, inputs, square } = JSON.parse(readFileSync('model.json', 'utf8'))
const session = await InferenceSession.create('model.onnx')
const fit = { cover: 'cover', pad: 'contain', stretch: 'fill' }[square.fit]
const feeds = {}
for (const { name, size, channels } of inputs) {
  const image = sharp('photo.jpg').autoOrient().flatten({ background: '#fff' })
  const square = image.resize(size, size, { fit, background: '#fff' }).toColourspace('srgb')
  const rgb = new Uint8Array(await square.raw().toBuffer())
  const grey = (_, i) => (77 * rgb[3 * i] + 150 * rgb[3 * i + 1] + 29 * rgb[3 * i + 2] + 128) >> 8
  const pixels = channels === 3 ? rgb : Uint8Array.from({ length: size * size }, grey)
  feeds[name] = new Tensor('uint8', pixels, [1, size, size, channels])
}
const { data } = (await session.run(feeds)).probabilities
const best = data.indexOf(Math.max(...data))
console.log(classes[best], data[best].toFixed(4))
`

const WEB = `
import { InferenceSession, Tensor } from 'onnxruntime-web'

const { classes, inputs, square } = await (await fetch('model.json')).json()
const session = await InferenceSession.create('model.onnx')
const photo = await createImageBitmap(await (await fetch('photo.jpg')).blob())
const feeds = {}
for (const { name, size, channels } of inputs) {
  const [x, y] = [size / photo.width, size / photo.height]
  const scale = { cover: Math.max(x, y), pad: Math.min(x, y) }[square.fit]
  const [width, height] = [photo.width * (scale ?? x), photo.height * (scale ?? y)]
  const canvas = new OffscreenCanvas(size, size).getContext('2d')
  canvas.fillStyle = '#fff'
  canvas.fillRect(0, 0, size, size)
  canvas.imageSmoothingQuality = 'high'
  canvas.drawImage(photo, (size - width) / 2, (size - height) / 2, width, height)
  const rgba = canvas.getImageData(0, 0, size, size).data
  const grey = (_, i) => (77 * rgba[4 * i] + 150 * rgba[4 * i + 1] + 29 * rgba[4 * i + 2] + 128) >> 8
  const pixels = channels === 3 ? rgba.filter((_, i) => i % 4 < 3) : Array.from({ length: size * size }, grey)
  feeds[name] = new Tensor('uint8', Uint8Array.from(pixels), [1, size, size, channels])
}
const { data } = (await session.run(feeds)).probabilities
const best = data.indexOf(Math.max(...data))
console.log(classes[best], data[best].toFixed(4))
`

const PYTHON = `
import json
import numpy as np
import onnxruntime
from PIL import Image, ImageOps

about = json.load(open('model.json', encoding='utf-8'))
session = onnxruntime.InferenceSession('model.onnx')
photo = ImageOps.exif_transpose(Image.open('photo.jpg')).convert('RGBA')
photo = Image.alpha_composite(Image.new('RGBA', photo.size, 'white'), photo).convert('RGB')
feeds = {}
for each in about['inputs']:
    side = (each['size'], each['size'])
    fit = about['square']['fit']
    if fit == 'cover':
        square = ImageOps.fit(photo, side, Image.LANCZOS)
    elif fit == 'pad':
        square = ImageOps.pad(photo, side, Image.LANCZOS, 'white')
    else:
        square = photo.resize(side, Image.LANCZOS)
    pixels = np.asarray(square, np.int32)
    if each['channels'] == 1:
        pixels = (pixels @ [77, 150, 29] + 128 >> 8)[..., None]
    feeds[each['name']] = pixels[None].astype(np.uint8)
probabilities = session.run(['probabilities'], feeds)[0][0]
best = probabilities.argmax()
print(about['classes'][best], f'{probabilities[best]:.4f}')
`

export const SNIPPETS = { node: NODE.trim(), web: WEB.trim(), python: PYTHON.trim() } as const

/** The same for a file of another name. */
export function snippetFor(language: keyof typeof SNIPPETS, file: string): string {
  // What JSON writes in double quotes, all three languages read.
  const text = (name: string): string => JSON.stringify(name)
  const plain = (name: string): string => (/^[\w.-]+$/.test(name) ? `'${name}'` : text(name))
  return SNIPPETS[language]
    .replaceAll("'model.onnx'", () => plain(file))
    .replaceAll("'model.json'", () => plain(besideModel(file).description))
}
