/**
 * One head fitted to one draw of the labelled images: all that it takes as plain data, so that it can be done in this
 * process or in another. What comes back are predictions; the test labels that they are scored by never leave the study.
 */
import { Random } from 'onnx-autodiff'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { argmaxRows } from '../numerics/matrix.js'
import { rememberingNearest } from '../features/remembering-nearest.js'
import type { Head } from '../heads/head.js'
import type { Bank, BankRecord } from './bank.js'

export interface DrawFit {
  readonly bank: BankRecord
  /** Its name in the registry, and the labelled images that it is made for. */
  readonly head: string
  readonly labelled: number
  /** `[training images]`, -1 where unknown. */
  readonly labels: Int32Array
  readonly classCount: number
  readonly seed: number
  /** Of the random stream. */
  readonly stream: string
}

/** Gives the predicted class of each test image. */
export type DrawFitter = (fit: DrawFit) => Promise<Int32Array>

/** A bank, and the neighbours of its test images kept from one fit to the next. */
export interface OpenBank {
  readonly bank: Bank
  readonly linearAlgebra: LinearAlgebra
}

export function openBank(bank: Bank, linearAlgebra: LinearAlgebra): OpenBank {
  const { train: references, test: queries, testNeighbours: neighbours } = bank
  return { bank, linearAlgebra: rememberingNearest(linearAlgebra, { queries, references, neighbours }) }
}

export async function fitDraw(
  { bank, linearAlgebra }: OpenBank,
  head: Head,
  { labels, classCount, seed, stream }: Pick<DrawFit, 'labels' | 'classCount' | 'seed' | 'stream'>,
): Promise<Int32Array> {
  const { train: features, test, graph, smoothed } = bank
  const random = new Random(seed, stream)
  const fitted = await head.fit({
    ...{ features, graph, smoothed, classCount, random, linearAlgebra },
    labels: labels.slice(),
  })
  return argmaxRows(await fitted.predict(test))
}
