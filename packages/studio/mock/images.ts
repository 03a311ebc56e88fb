/** Made-up images: a shape of one of eight kinds on a ground, different for every number. */
import { stream } from './random.js'

export const KINDS = ['leaf', 'mug', 'fish', 'star', 'moon', 'house', 'bird', 'key'] as const

/** Outlines in a square of -50 to 50. */
const SHAPES: Readonly<Record<(typeof KINDS)[number], string>> = {
  leaf: 'M-38 34C-40-12-8-40 38-38C42 6 16 40-24 34L-38 44Z',
  mug: 'M-30-32H16V-22H26C42-22 42 14 26 14H16V32H-30ZM16-12V4H24C30 4 30-12 24-12Z',
  fish: 'M-42 0C-20-34 12-30 26-8L44-24V24L26 8C12 30-20 34-42 0Z',
  star: 'M0-42L11-14L41-13L17 6L26 36L0 18L-26 36L-17 6L-41-13L-11-14Z',
  moon: 'M14-40A40 40 0 1 0 40 18A32 32 0 0 1 14-40Z',
  house: 'M0-40L42-4H32V36H8V12H-8V36H-32V-4H-42Z',
  bird: 'M-44-8C-24-24-4-20 6-2C14-24 30-32 42-30C36-22 38-14 30-4C20 24-12 34-40 26C-26 22-18 16-16 10C-28 8-36 2-44-8Z',
  key: 'M-20-22A22 22 0 1 1-4 12L-4 6H10V18H22V6H42V-8H0A22 22 0 0 0-20-22ZM-22-10A10 10 0 1 0-22 10A10 10 0 1 0-22-10Z',
}

export function kindOf(image: number): number {
  return Math.floor(stream(image * 7919 + 13)() * KINDS.length)
}

export function pathOf(image: number): string {
  return `folder ${String.fromCharCode(97 + (image % 5))}/IMG_${String(image + 1).padStart(5, '0')}.jpg`
}

/** An SVG image as an address; `noise` 0 to 1 covers it with grain. */
export function pictureOf(image: number, size: number, noise = 0): string {
  const body = drawing(image, noise)
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="-60 -60 120 120">${body}</svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}

/** A sheet of images side by side, as training draws them. */
export function sheetOf(images: readonly number[], columns: number, noise: number): string {
  const cells = images.map(
    (image, k) =>
      `<g transform="translate(${(k % columns) * 124} ${Math.floor(k / columns) * 124})">${drawing(image, noise)}</g>`,
  )
  const rows = Math.ceil(images.length / columns)
  const [width, height] = [columns * 124, rows * 124]
  return `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="-62 -62 ${width} ${height}">${cells.join('')}</svg>`,
  )}`
}

function drawing(image: number, noise: number): string {
  const random = stream(image + 1)
  const shape = SHAPES[KINDS[kindOf(image)]]
  const hue = Math.floor(random() * 360)
  const other = (hue + 150 + Math.floor(random() * 60)) % 360
  const turn = Math.floor((random() - 0.5) * 50)
  const scale = (0.65 + 0.45 * random()).toFixed(2)
  const light = 58 + Math.floor(random() * 30)
  const ground = `hsl(${hue} 34% ${light}%)`
  const far = `hsl(${(hue + 24) % 360} 30% ${light - 16}%)`
  const x = Math.floor((random() - 0.5) * 24)
  const y = Math.floor((random() - 0.5) * 24)
  const grain =
    noise > 0
      ? `<filter id="g${image}"><feTurbulence baseFrequency="0.7" seed="${image % 97}" stitchTiles="stitch"/><feColorMatrix type="saturate" values="0.6"/></filter><rect x="-60" y="-60" width="120" height="120" filter="url(#g${image})" opacity="${noise.toFixed(2)}"/>`
      : ''
  return (
    `<rect x="-60" y="-60" width="120" height="120" fill="${ground}"/>` +
    `<ellipse cx="${x}" cy="${46 + y / 3}" rx="70" ry="26" fill="${far}"/>` +
    `<path transform="translate(${x} ${y}) rotate(${turn}) scale(${scale})" fill-rule="evenodd" d="${shape}" fill="hsl(${other} 46% ${light > 72 ? 36 : 88}%)"/>${grain}`
  )
}
