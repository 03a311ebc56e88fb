/**
 * McNemar's test of two classifiers on the same images, in its exact form: of the images that only one of them has right, as many are
 * expected on either side (McNemar, Psychometrika 12, 1947; recommended for classifiers that are fitted once by Dietterich, Neural
 * Computation 10, 1998).
 *
 * @param onlyFirst images that the first has right and the second wrong
 * @param onlySecond the other way round
 * @returns the two-sided probability, 0 to 1, of a split at least as uneven where both are as good
 */
export function exactMcNemar(onlyFirst: number, onlySecond: number): number {
  const n = onlyFirst + onlySecond
  if (n === 0) return 1
  // Terms C(n, i) / 2^n from logarithms: 2^n passes what a number holds at 1,024 images.
  let logTerm = -n * Math.LN2
  let sum = 0
  for (let i = 0; i <= Math.min(onlyFirst, onlySecond); i++) {
    sum += Math.exp(logTerm)
    logTerm += Math.log((n - i) / (i + 1))
  }
  return Math.min(1, 2 * sum)
}
