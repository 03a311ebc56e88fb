/** Which bilinear algorithm each axis of a convolution uses: the candidates, and a cost model that chooses. */
import { attributeError } from '../graph/shape.js'
import {
  type AxisAlgorithm,
  type AxisGeometry,
  axisOutputs,
  checkTriple,
  direct,
  polyphase,
  tileAxis,
  toomCook,
  type Triple,
} from './bilinear.js'
import { identity } from './matrix.js'

/**
 * How a convolution runs. `direct`: a product per tap. `tile<n>`: a fast algorithm with n outputs per tile and axis, where
 * it covers the shape; else `direct`. For few channels on one side, one product over all taps at once: `columns` gathers
 * each output's inputs into a row (few channels in), `shifts` adds up each input's contributions (few channels out).
 */
export type AlgorithmName = 'direct' | 'tile2' | 'tile3' | 'tile4' | 'tile6' | 'columns' | 'shifts'

export interface ConvolutionSizes {
  readonly height: AxisGeometry
  readonly width: AxisGeometry
  readonly batch: number
  readonly inChannels: number
  readonly outChannels: number
  readonly groups: number
}

/** The algorithm of each axis; for `columns` and `shifts` both are direct and `together` says which. */
export interface Choice {
  readonly together?: 'columns' | 'shifts'
  readonly height: AxisAlgorithm
  readonly width: AxisAlgorithm
}

type AxisName = Exclude<AlgorithmName, 'columns' | 'shifts'>

const OUTPUTS: Readonly<Record<AxisName, number>> = { direct: 1, tile2: 2, tile3: 3, tile4: 4, tile6: 6 }

/**
 * Interpolation at more than six finite points loses over two digits of float32: the cost model does not offer such
 * tiles, and a caller who overrules it gets them.
 */
const OFFERED_PRODUCTS = 7
/** Points for ten products are all there are. */
const MOST_PRODUCTS = 10

const triples = new Map<string, Triple | undefined>()

/** The triple of an algorithm for these taps; undefined where it has none. Each is checked once, exactly. */
export function tripleFor(
  name: AxisName,
  taps: number,
  stride: number,
  dilation: number,
): Triple | undefined {
  const key = [name, taps, stride, dilation].join()
  if (!triples.has(key)) {
    const triple = makeTriple(name, taps, stride, dilation)
    if (triple) checkTriple(triple, stride, dilation)
    triples.set(key, triple)
  }
  return triples.get(key)
}

function makeTriple(name: AxisName, taps: number, stride: number, dilation: number): Triple | undefined {
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

function axisAlgorithm(name: AxisName, geometry: AxisGeometry): AxisAlgorithm | undefined {
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
  return { ...algorithm, G: identity(taps), products: taps, tiles }
}

/** Seconds per floating-point operation of a large product, per element moved by a map, per multiplication in it. */
const PRODUCT_SECONDS = 1 / 180e9
const MOVE_SECONDS = 0.12e-9
const MAP_SECONDS = 1 / 130e9
/** Setting up one matrix of a batched product: packing its right operand element by element. */
const PACK_SECONDS = 0.2e-9
/** Per element of a transpose that brings short runs of channels together. */
const REGROUP_SECONDS = 1.4e-9

/** Estimated seconds of forward, input gradient and weight gradient. */
export function estimateSeconds(sizes: ConvolutionSizes, { together, height, width }: Choice): number {
  const { batch, inChannels, outChannels, groups } = sizes
  const rows = height.products * height.tiles
  const columns = width.products * width.tiles
  const pixels = rows * columns * batch
  const size: [number, number] = [sizes.height.size, sizes.width.size]
  const out: [number, number] = [axisOutputs(sizes.height), axisOutputs(sizes.width)]
  const map = (from: [number, number], to: [number, number], channels: number): number => {
    const middle = to[0] * from[1]
    const elements = (from[0] * from[1] + 2 * middle + to[0] * to[1]) * batch * channels
    const multiplications = 2 * (from[0] * middle + from[1] * to[0] * to[1]) * batch * channels
    return elements * MOVE_SECONDS + multiplications * MAP_SECONDS
  }
  if (together) {
    const taps = sizes.height.taps * sizes.width.taps
    const [positions, channels] = together === 'columns' ? [out, inChannels] : [size, outChannels]
    const spread: [number, number] = [sizes.height.taps * positions[0], sizes.width.taps * positions[1]]
    const regrouped = spread[0] * spread[1] * batch * channels
    const products = 3 * 2 * positions[0] * positions[1] * batch * taps * inChannels * outChannels
    const moved = map(together === 'columns' ? size : out, spread, channels)
    return products * PRODUCT_SECONDS + 2 * (moved + regrouped * REGROUP_SECONDS)
  }
  const products = (3 * 2 * pixels * inChannels * outChannels) / groups
  const packing = 3 * rows * width.products * ((inChannels * outChannels) / groups)
  const isPlain = height.products === 1 && width.products === 1
  const maps = isPlain ? 0 : map(size, [rows, columns], inChannels) + map(out, [rows, columns], outChannels)
  return products * PRODUCT_SECONDS + packing * PACK_SECONDS + 2 * maps
}

const AXIS_NAMES = Object.keys(OUTPUTS) as AxisName[]
const TOGETHER = ['columns', 'shifts'] as const

/** The cheapest pair of algorithms, or the named one on both axes; by groups only axis algorithms work. */
export function chooseAlgorithm(sizes: ConvolutionSizes, overruled?: AlgorithmName): Choice {
  if (overruled !== undefined && ![...AXIS_NAMES, ...TOGETHER].includes(overruled)) {
    attributeError('conv2d', 'algorithm', overruled, `one of ${[...AXIS_NAMES, ...TOGETHER].join(', ')}`)
  }
  const choices = [...axisChoices(sizes, overruled), ...togetherChoices(sizes, overruled)]
  const seconds = choices.map((choice) => estimateSeconds(sizes, choice))
  return choices[seconds.indexOf(Math.min(...seconds))]
}

function axisChoices(sizes: ConvolutionSizes, overruled?: AlgorithmName): Choice[] {
  const named = AXIS_NAMES.find((name) => name === overruled)
  if (overruled !== undefined && named === undefined && sizes.groups === 1) return []
  const candidates = (geometry: AxisGeometry): AxisAlgorithm[] => {
    const phaseTaps = Math.ceil(geometry.taps / geometry.stride)
    const names = named
      ? [named]
      : AXIS_NAMES.filter((name) => OUTPUTS[name] + phaseTaps - 1 <= OFFERED_PRODUCTS || name === 'direct')
    const found = names
      .map((name) => axisAlgorithm(name, geometry))
      .filter((algorithm) => algorithm !== undefined)
    return found.length > 0 ? found : [directAxis(geometry)]
  }
  return candidates(sizes.height).flatMap((height) =>
    candidates(sizes.width).map((width) => ({ height, width })),
  )
}

const directAxis = (geometry: AxisGeometry): AxisAlgorithm =>
  axisAlgorithm('direct', geometry) as AxisAlgorithm

function togetherChoices(sizes: ConvolutionSizes, overruled?: AlgorithmName): Choice[] {
  const { height, width, groups } = sizes
  const names = groups === 1 ? TOGETHER.filter((name) => overruled === undefined || name === overruled) : []
  return names.map((together) => ({ together, height: directAxis(height), width: directAxis(width) }))
}
