/** Whether probabilities mean what they say: predictions counted by how probable they were said to be. */
import { z } from 'zod'

/** Images whose prediction had a probability within a tenth. */
export const confidenceBinSchema = z.object({
  count: z.number().int().nonnegative(),
  /** Sum of their probabilities. */
  confidence: z.number().nonnegative(),
  right: z.number().int().nonnegative(),
})

export type ConfidenceBin = Readonly<z.infer<typeof confidenceBinSchema>>

const BINS = 10

export const noBins = (): ConfidenceBin[] =>
  Array.from({ length: BINS }, () => ({ count: 0, confidence: 0, right: 0 }))

/** Predictions by tenths of their probability. @param right whether each is */
export function confidenceBins(
  probability: ArrayLike<number>,
  right: (index: number) => boolean,
): ConfidenceBin[] {
  const bins = noBins().map((bin) => ({ ...bin }))
  for (let i = 0; i < probability.length; i++) {
    const bin = bins[Math.min(BINS - 1, Math.floor(probability[i] * BINS))]
    bin.count++
    bin.confidence += probability[i]
    bin.right += Number(right(i))
  }
  return bins
}

export const addBins = (a: readonly ConfidenceBin[], b: readonly ConfidenceBin[]): ConfidenceBin[] =>
  a.map((bin, i) => ({
    count: bin.count + b[i].count,
    confidence: bin.confidence + b[i].confidence,
    right: bin.right + b[i].right,
  }))

/**
 * Expected calibration error: how far mean probability and share of right answers lie apart, bin by bin, weighted by their
 * images (Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015).
 */
export function calibrationError(bins: readonly ConfidenceBin[]): number {
  const total = bins.reduce((sum, { count }) => sum + count, 0)
  return bins.reduce((sum, { confidence, right }) => sum + Math.abs(confidence - right), 0) / total
}
