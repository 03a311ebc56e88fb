/**
 * What each score says: which way is better, between which ends, and where the training images stand, in words that fit
 * behind its number.
 */
export const SCORE_MEANING = {
  frechet: 'lower is better, from 0 up; the less above the training images, the better',
  kernel: 'lower is better, about 0 is best; by chance it may come out just below',
  precision: 'higher is better, 0 to 100 %: samples that look like real images',
  recall: 'higher is better, 0 to 100 %: real images that samples come near',
  ratio: 'about 1 is best; far below 1, samples are copies of training images',
  suspicious: '0 to 100 %, 1 % by chance; many more are copies',
} as const
