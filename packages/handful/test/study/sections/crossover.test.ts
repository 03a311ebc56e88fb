/** Where lines cross, against cases worked out by hand; published figures against one another. */
import { describe, expect, test } from 'vitest'
import {
  crossingInWords,
  crossingOf,
  crossovers,
  intervalInWords,
  rivalsInWords,
} from '../../../src/study/sections/crossover/crossover.js'
import {
  PUBLISHED_CURVES,
  PUBLISHED_TABLE,
  publishedFigure,
  publishedSet,
} from '../../../src/study/published.js'
import { spread } from '../../../src/draw/label-spread.js'
import type { Study } from '../../../src/study/result.js'
import { exampleStudy } from '../report/example-study.js'

/** Raw pixels against ResNet-18 with given draws at each label count. */
async function duel(sizes: number[], mine: number[][], its: number[][]): Promise<Study> {
  const study = await exampleStudy({ methods: ['pixels', 'resnet18'], heads: ['mlp'], labelCounts: sizes })
  const cell = (method: string, head: string, draws: number[][]) =>
    sizes.map((labelsPerClass, i) => ({ method, head, labelsPerClass, accuracies: draws[i], seconds: 1 }))
  return { ...study, cells: [...cell('pixels', 'mlp', mine), ...cell('resnet18', 'network', its)] }
}

/** Raw pixels and the cheap network at 1, 4, 16 and 64 labels. */
const ROWS = [
  [0.5, 0.7, 0.7, 0.7],
  [0.4, 0.5, 0.6, 0.8],
].map((row) => row.map((accuracy) => [accuracy, accuracy])) as [number[][], number[][]]

describe('crossing', () => {
  test('lies where a straight line over the logarithm of the count meets zero', () => {
    expect(crossingOf([1, 4], [1, -1])).toBeCloseTo(2, 10)
    expect(crossingOf([2, 4, 32], [0.3, 0.1, -0.2])).toBeCloseTo(4 * 8 ** (1 / 3), 10)
    expect(crossingOf([1, 4], [1, 0])).toBe(Infinity)
    expect(crossingOf([1, 4], [-1, -2])).toBe(-Infinity)
    // Behind with one label, ahead with 4, behind again with 16.
    expect(crossingOf([1, 4, 16], [-1, 1, -1])).toBeCloseTo(8, 10)
  })

  test('is said in words, with its interval and what was not measured', async () => {
    const sure = (values: number[]): number[][] => values.map((value) => [value, value, value])
    const [exact] = crossovers(await duel([1, 4], sure([0.6, 0.7]), sure([0.5, 0.8])), 'headline')
    expect(crossingInWords(exact)).toBe('up to 2')
    expect(intervalInWords(exact)).toBe('2')
    const [beyond] = crossovers(await duel([1, 4], sure([0.6, 0.9]), sure([0.5, 0.8])), 'headline')
    expect(crossingInWords(beyond)).toBe('beyond 4, the largest measured')
    expect(intervalInWords(beyond)).toBe('beyond 4')
    const [never] = crossovers(await duel([1, 4], sure([0.4, 0.7]), sure([0.5, 0.8])), 'headline')
    expect(crossingInWords(never)).toBe('nowhere: behind from 1 on')
    const [again] = crossovers(
      await duel([1, 4, 16], sure([0.6, 0.7, 0.9]), sure([0.5, 0.8, 0.85])),
      'headline',
    )
    expect(crossingInWords(again)).toBe('up to 2, and ahead again at more')
    const [one] = crossovers(await duel([1, 4], [[0.6], [0.7]], [[0.5], [0.8]]), 'headline')
    expect(intervalInWords(one)).toBe('one draw: unknown')
  })

  test('the bootstrap interval holds the crossing, grows with the spread of the draws, and is the same every time', async () => {
    const draws = (middle: number, wide: number): number[] => [-2, -1, 0, 1, 2].map((i) => middle + i * wide)
    const at = async (wide: number) =>
      crossovers(
        await duel(
          [1, 2, 4, 8, 16],
          [0.5, 0.6, 0.7, 0.75, 0.78].map((m) => draws(m, wide)),
          [0.3, 0.45, 0.65, 0.8, 0.9].map((m) => draws(m, wide)),
        ),
        'headline',
      )[0]
    const [narrow, broad] = [await at(0.005), await at(0.03)]
    for (const { at: middle, low, high } of [narrow, broad]) {
      expect(low).toBeLessThan(middle)
      expect(high).toBeGreaterThan(middle)
    }
    expect(Number(broad.high) - Number(broad.low)).toBeGreaterThan(
      2 * (Number(narrow.high) - Number(narrow.low)),
    )
    expect(await at(0.03)).toEqual(broad)
  })

  test('of a model that was trained several times holds its trainings too', async () => {
    const sizes = [1, 4, 16, 64]
    const its = [0.5, 0.6, 0.7, 0.8].map((mean) => [mean - 0.01, mean, mean + 0.01])
    const mine = [0.6, 0.65, 0.71, 0.75].map((mean) => [mean - 0.01, mean, mean + 0.01])
    const study = await duel(sizes, mine, its)
    const [once] = crossovers(study, 'headline')
    // Two more trainings, a little better and a little worse at all label counts: the crossing stays, its interval grows.
    const shifted = (by: number, accuracies: readonly number[]): number[] => accuracies.map((one) => one + by)
    const cells = study.cells.map((cell) =>
      cell.method === 'pixels'
        ? { ...cell, furtherTrainings: [0.03, -0.03].map((by) => shifted(by, cell.accuracies)) }
        : cell,
    )
    const [thrice] = crossovers({ ...study, cells }, 'headline')
    expect(thrice.at).toBeCloseTo(once.at, 6)
    expect(thrice.low).toBeLessThan(once.low ?? 0)
    expect(thrice.high).toBeGreaterThan(once.high ?? Infinity)
  })

  test('is against the network that is right more often at each label count, and says which that is', async () => {
    const sizes = [1, 4, 16, 64]
    const study = await duel(sizes, ...ROWS)
    const small = await exampleStudy({ methods: ['resnet18-small'], labelCounts: [1] })
    const strong = [0.3, 0.65, 0.75].map((accuracy, i) => ({
      method: 'resnet18-small',
      head: 'network',
      labelsPerClass: sizes[i],
      accuracies: [accuracy, accuracy],
      seconds: 1,
    }))
    const both = {
      ...small,
      ...study,
      methods: [...study.methods, ...small.methods.filter(({ id }) => id === 'resnet18-small')],
      cells: [...study.cells, ...strong],
    }
    // Ahead of the cheap network alone up to between 16 and 64.
    const [alone] = crossovers(study, 'headline')
    expect(alone.at).toBeCloseTo(32, 8)
    expect(rivalsInWords(alone)).toBe('ResNet-18')
    const found = crossovers(both, 'headline')
    expect(found).toHaveLength(1)
    // The strong one is ahead by 0.05 at 16 after it was behind by 0.05 at 4; at 64 it was not measured.
    expect(found[0].at).toBeCloseTo(8, 8)
    expect([found[0].smallest, found[0].largest]).toEqual([1, 64])
    expect(rivalsInWords(found[0])).toBe('ResNet-18 at 1; ResNet-18, 3x3 stem at 4 to 16; ResNet-18 at 64')
  })

  test('all labels count as many as there are of a class', async () => {
    const study = await duel([4], [[0.9, 0.9]], [[0.5, 0.5]])
    const cells = study.cells.flatMap((cell) => [
      cell,
      { ...cell, labelsPerClass: 'all' as const, accuracies: [0.9, 0.9] },
    ])
    const [one] = crossovers({ ...study, labelCounts: [4, 'all'], cells }, 'headline')
    expect(one.largest).toBe(6000)
  })
})

describe('published figures', () => {
  test('each curve has a number for each of its label counts', () => {
    for (const curve of PUBLISHED_CURVES)
      expect(curve.percent.length, curve.title).toBe(curve.labelsPerClass.length)
  })

  test('the table is a rounding of the curves everywhere but for the diffusion model on MNIST', () => {
    const contradicting = PUBLISHED_TABLE.filter(
      ({ set, method, labelsPerClass }) =>
        publishedFigure(set, method, labelsPerClass)?.contradicting !== undefined,
    )
    expect(
      contradicting.map(({ set, method, labelsPerClass, percent }) => [set, method, labelsPerClass, percent]),
    ).toEqual([
      ['mnist', 'diffusion', 2, 32],
      ['mnist', 'diffusion', 4, 36],
      ['mnist', 'diffusion', 8, 36],
    ])
  })

  test('known sets by any spelling, no others', () => {
    expect(['CIFAR-10', 'cifar10', 'MNIST', 'cifar100', 'leaves'].map(publishedSet)).toEqual([
      'cifar10',
      'cifar10',
      'mnist',
      'cifar100',
      undefined,
    ])
  })
})

describe('labels at line ends', () => {
  test('move apart as little as needed, in order, within bounds', () => {
    expect(spread([10, 50], 16, 0, 100)).toEqual([10, 50])
    expect(spread([50, 50], 16, 0, 100)).toEqual([42, 58])
    expect(spread([2, 0, 1], 10, 0, 100)).toEqual([20, 0, 10])
    const many = spread([99, 98, 97], 10, 0, 100)
    expect(many).toEqual([100, 90, 80])
  })
})
