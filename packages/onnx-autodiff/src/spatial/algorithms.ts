/** Which bilinear algorithm each axis of a convolution uses: the candidates, and a cost model that chooses. */
import { attributeError } from '../graph/shape.js'
import {
  type AxisAlgorithm, type AxisGeometry, axisOutputs, checkTriple, direct, polyphase, tileAxis, toomCook, type Triple,
} from './bilinear.js'

/** `direct`, or a fast algorithm with that many outputs per tile, where it covers the shape; else `direct` again. */
export type AlgorithmName = 'direct' | 'tile2' | 'tile3' | 'tile4' | 'tile6'

export interface ConvolutionSizes {
  readonly height: AxisGeometry
  readonly width: AxisGeometry
  readonly batch: number
  readonly inChannels: number
  readonly outChannels: number
  readonly groups: number
}

export interface Choice {
  readonly height: AxisAlgorithm
  readonly width: AxisAlgorithm
}

const OUTPUTS: Readonly<Record<AlgorithmName, number>> = { direct: 1, tile2: 2, tile3: 3, tile4: 4, tile6: 6 }

/**
 * Interpolation at more than six finite points loses over two digits of float32: the cost model does not offer such
 * tiles, and a caller who overrules it gets them.
 */
const OFFERED_PRODUCTS = 7
/** Points for ten products are all there are. */
const MOST_PRODUCTS = 10

const triples = new Map<string, Triple | undefined>()

/** The triple of an algorithm for these taps; undefined where it has none. Each is checked once, exactly. */
export function tripleFor(name: AlgorithmName, taps: number, stride: number, dilation: number): Triple | undefined {
  const key = [name, taps, stride, dilation].join()
  if (!triples.has(key)) {
    const triple = makeTriple(name, taps, stride, dilation)
    if (triple) checkTriple(triple, stride, dilation)
    triples.set(key, triple)
  }
  return triples.get(key)
}

function makeTriple(name: AlgorithmName, taps: number, stride: number, dilation: number): Triple | undefined {
  if (name === 'direct') return direct(1, taps, stride, dilation)
  const outputs = OUTPUTS[name]
  const phaseTaps = Math.ceil(taps / stride)
  if (dilation !== 1 || phaseTaps < 2 || outputs + phaseTaps - 1 > MOST_PRODUCTS) return undefined
  return stride === 1 ? toomCook(outputs, taps) : polyphase(outputs, taps, stride)
}

/** The whole axis by direct products: rows ordered (tap, output), so no tile is ever partly empty. */
const wholeAxis = (geometry: AxisGeometry): AxisAlgorithm =>
  tileAxis(direct(axisOutputs(geometry), geometry.taps, geometry.stride, geometry.dilation), geometry)

const axes = new Map<string, AxisAlgorithm>()

function axisAlgorithm(name: AlgorithmName, geometry: AxisGeometry): AxisAlgorithm | undefined {
  const { size, taps, stride, dilation, before, after } = geometry
  const key = [name, size, taps, stride, dilation, before, after].join()
  const known = axes.get(key)
  if (known) return known
  const triple = tripleFor(name, taps, stride, dilation)
  if (!triple) return undefined
  const algorithm = name === 'direct' ? regrouped(wholeAxis(geometry), taps) : tileAxis(triple, geometry)
  axes.set(key, algorithm)
  return algorithm
}

/** The whole axis as one tile has a product per (tap, output): regroup as `taps` products on `out` tiles. */
function regrouped(algorithm: AxisAlgorithm, taps: number): AxisAlgorithm {
  const tiles = algorithm.products / taps
  const { G } = algorithm
  const rows = { ...G, rows: taps, data: Float64Array.from({ length: taps * taps }, (_, i) => (i % (taps + 1) === 0 ? 1 : 0)) }
  return { ...algorithm, G: { ...rows, key: `identity ${taps}` }, products: taps, tiles }
}

/** Seconds per floating-point operation of a large product, per element moved by a map, per multiplication in it. */
const PRODUCT_SECONDS = 1 / 140e9
const MOVE_SECONDS = 0.22e-9
const MAP_SECONDS = 1 / 110e9
/** Setting up one matrix of a batched product: packing its right operand element by element. */
const PACK_SECONDS = 0.4e-9

/** Estimated seconds of forward, input gradient and weight gradient. */
export function estimateSeconds(sizes: ConvolutionSizes, { height, width }: Choice): number {
  const { batch, inChannels, outChannels, groups } = sizes
  const rows = height.products * height.tiles
  const columns = width.products * width.tiles
  const pixels = rows * columns * batch
  const products = (3 * 2 * pixels * inChannels * outChannels) / groups
  const packing = 3 * rows * width.products * ((inChannels * outChannels) / groups)
  const map = (from: [number, number], to: [number, number], channels: number): number => {
    const middle = to[0] * from[1]
    const elements = (from[0] * from[1] + 2 * middle + to[0] * to[1]) * batch * channels
    const multiplications = 2 * (from[0] * middle + from[1] * to[0] * to[1]) * batch * channels
    return elements * MOVE_SECONDS + multiplications * MAP_SECONDS
  }
  const size: [number, number] = [sizes.height.size, sizes.width.size]
  const out: [number, number] = [axisOutputs(sizes.height), axisOutputs(sizes.width)]
  const B = height.products === 1 && width.products === 1 ? 0 : map(size, [rows, columns], inChannels)
  const A = height.products === 1 && width.products === 1 ? 0 : map(out, [rows, columns], outChannels)
  return products * PRODUCT_SECONDS + packing * PACK_SECONDS + 2 * (A + B)
}

/** The cheapest pair of algorithms, or the named one on both axes. */
export function chooseAlgorithm(sizes: ConvolutionSizes, overruled?: AlgorithmName): Choice {
  if (overruled !== undefined && !Object.hasOwn(OUTPUTS, overruled)) {
    attributeError('conv2d', 'algorithm', overruled, `one of ${Object.keys(OUTPUTS).join(', ')}`)
  }
  const candidates = (geometry: AxisGeometry): AxisAlgorithm[] => {
    const names = overruled ? [overruled] : (Object.keys(OUTPUTS) as AlgorithmName[])
    const found = names
      .filter((name) => overruled || name === 'direct' || OUTPUTS[name] + Math.ceil(geometry.taps / geometry.stride) - 1 <= OFFERED_PRODUCTS)
      .map((name) => axisAlgorithm(name, geometry))
      .filter((algorithm) => algorithm !== undefined)
    return found.length > 0 ? found : [axisAlgorithm('direct', geometry) as AxisAlgorithm]
  }
  let best: { choice: Choice; seconds: number } | undefined
  for (const height of candidates(sizes.height)) {
    for (const width of candidates(sizes.width)) {
      const choice = { height, width }
      const seconds = estimateSeconds(sizes, choice)
      if (!best || seconds < best.seconds) best = { choice, seconds }
    }
  }
  return (best as { choice: Choice }).choice
}
