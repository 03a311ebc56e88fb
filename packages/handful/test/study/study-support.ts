/** Studies so small that a test can run several: 200 + 100 generated digits, and methods that count what is asked of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { parseStudyOptions, type StudyInput, type StudyOptions } from '../../src/study/study-options.js'
import type { StudyContext } from '../../src/study/run-study.js'
import type { FeatureMethod } from '../../src/runs/feature-method.js'
import { featureMatrix } from '../../src/numerics/matrix.js'
import { createHead } from '../../src/heads/registry.js'
import type { Head } from '../../src/heads/head.js'
import { silentProgress } from '../../src/training/progress.js'

export const NO_SECTIONS = {
  reference: false,
  sweep: false,
  parts: false,
  maps: false,
  atlas: false,
  generation: false,
}

export const tiny = (input: Partial<StudyInput> = {}): StudyOptions =>
  parseStudyOptions(
    {
      dataset: 'strokes',
      ...{ count: 200, testCount: 100, threads: 1, draws: 2, components: 16 },
      methods: ['pixels'],
      labels: [1, 2],
      heads: ['prototypes'],
      supervised: { draws: 2, width: 4, fewestSteps: 3, mostSteps: 3, stems: ['imagenet'] },
      sections: NO_SECTIONS,
      ...input,
    },
    'test',
  )

/** A fresh folder for each test. */
export function useFolder(): { path: string } {
  const folder = { path: '' }
  let parent = ''
  beforeEach(async () => {
    parent = await mkdtemp(path.join(tmpdir(), 'handful-study-'))
    folder.path = path.join(parent, 'study')
  })
  afterEach(() => rm(parent, { recursive: true }))
  return folder
}

export interface Watched {
  readonly context: StudyContext
  /** Names of the stages that were begun. */
  readonly begun: string[]
  readonly messages: string[]
}

export function watched(folder: string, more: Partial<StudyContext> = {}): Watched {
  const begun: string[] = []
  const messages: string[] = []
  const context: StudyContext = {
    folder,
    command: 'handful study strokes',
    environment: { handful: '0.1.0' },
    signal: new AbortController().signal,
    progress: { ...silentProgress, message: (text) => void messages.push(text) },
    onStage: ({ name }) => void begun.push(name),
    ...more,
  }
  return { context, begun, messages }
}

/** Mean brightness of 7 x 7 squares of 4 x 4 pixels. */
export function squares(settings: unknown = {}): FeatureMethod & { opened: number } {
  const method = {
    id: 'squares',
    title: 'squares',
    kind: 'baseline' as const,
    settings,
    opened: 0,
    open() {
      method.opened++
      return Promise.resolve({
        columns: 49,
        extract: ({ count, pixels }: { count: number; pixels: Uint8Array }) => {
          const rows = featureMatrix(count, 49)
          pixels.slice(0, count * 784).forEach((value, i) => {
            const [image, y, x] = [Math.floor(i / 784), Math.floor((i % 784) / 28), i % 28]
            rows.data[image * 49 + (y >> 2) * 7 + (x >> 2)] += value / 4080
          })
          return Promise.resolve(rows)
        },
      })
    },
  }
  return method
}

/** The nearest-mean head, counting its fits; the `failing`-th of them throws. */
export function countedHead(failing = Infinity): { create: () => Head; fits: number } {
  const counted = {
    fits: 0,
    create: (): Head => ({
      name: 'counted',
      fit: (problem) => {
        if (++counted.fits >= failing) throw new Error('the head fell\nover')
        return createHead('prototypes').fit(problem)
      },
    }),
  }
  return counted
}
