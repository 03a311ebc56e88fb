/**
 * One head fitted to one draw of the labelled images: all that it takes as plain data, so that it can be done in this
 * process or in another. What comes back are predictions, and what the head chose by the draw's labels; the test labels that they are scored by never leave the study.
 */
import { Random } from 'onnx-autodiff'
import type { FeatureSpace } from '../features/feature-space.js'
import { type Head, headProblem } from '../heads/head.js'
import { argmaxRows } from '../numerics/matrix.js'
import type { BankRecord } from './bank.js'

export interface DrawFit {
  /** The features that it is fitted to, and those of the other draws of its cell, which are likely to be next. */
  readonly bank: BankRecord
  readonly banks: readonly BankRecord[]
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

export interface FittedDraw {
  /** The predicted class of each test image. */
  readonly predicted: Int32Array
  /** Of a product of heads, what the labels of the draw chose: how much each weighs, by its name. */
  readonly weights?: Readonly<Record<string, number>>
}

export type DrawFitter = (fit: DrawFit) => Promise<FittedDraw>

export async function fitDraw(
  space: FeatureSpace,
  head: Head,
  { labels, classCount, seed, stream }: Pick<DrawFit, 'labels' | 'classCount' | 'seed' | 'stream'>,
): Promise<FittedDraw> {
  if (space.test === undefined) throw new Error('internal: fitDraw: got no test rows, expected some')
  const random = new Random(seed, stream)
  const fitted = await head.fit(headProblem(space, { labels: labels.slice(), classCount, random }))
  const { weights } = fitted
  return { predicted: argmaxRows(await fitted.predict(space.test)), ...(weights && { weights }) }
}
