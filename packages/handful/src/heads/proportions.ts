/**
 * Probabilities made to agree with asserted class proportions: class weights by the iteration of Sinkhorn and Knopp
 * (1967), so that each class's probabilities sum to its share of the rows (Hu et al., PT-MAP, arXiv 2006.03806).
 */
import type { FeatureMatrix } from '../numerics/matrix.js'

/** Sharp probabilities take many: where a dozen are enough it ends with these. */
const ITERATIONS = 2000
const TOLERANCE = 1e-3

/**
 * Rescales probabilities `[rows, classes]` in place to equal class shares (classes whose column is all 0 stay out).
 * Rows still sum to 1.
 */
export function balanceClasses({ rows, columns, data }: FeatureMatrix): void {
  const weights = new Float64Array(columns).fill(1)
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const mass = new Float64Array(columns)
    for (let i = 0; i < rows; i++) {
      let sum = 0
      for (let c = 0; c < columns; c++) sum += weights[c] * data[i * columns + c]
      if (sum > 0) for (let c = 0; c < columns; c++) mass[c] += (weights[c] * data[i * columns + c]) / sum
    }
    const present = mass.reduce((count, value) => count + Number(value > 0), 0)
    const share = rows / present
    let largest = 0
    for (let c = 0; c < columns; c++) {
      if (mass[c] === 0) continue
      weights[c] *= share / mass[c]
      largest = Math.max(largest, Math.abs(mass[c] / share - 1))
    }
    if (largest < TOLERANCE) break
  }
  for (let i = 0; i < rows; i++) {
    let sum = 0
    for (let c = 0; c < columns; c++) sum += weights[c] * data[i * columns + c]
    for (let c = 0; c < columns && sum > 0; c++) data[i * columns + c] *= weights[c] / sum
  }
}
