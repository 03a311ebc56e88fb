/** Reading a data set for a job: what a job hears of it while it goes on. */
import { expect, test } from 'vitest'
import { readDataset } from '../../src/runs/read-dataset.js'
import { silentProgress } from '../../src/training/progress.js'

test('the number of images is told once, before the first is read', async () => {
  const heard: string[] = []
  const dataset = await readDataset(
    { dataset: 'strokes', seed: 0, count: 300, fit: 'cover' },
    {
      signal: new AbortController().signal,
      onCounted: (images) => heard.push(`${images} images`),
      progress: { ...silentProgress, report: ({ done }) => heard.push(done === 0 ? 'begins' : 'reads') },
    },
  )
  expect(dataset.train.count).toBe(300)
  expect(heard[0]).toBe('4300 images')
  expect(heard.filter((each) => each.endsWith('images'))).toHaveLength(1)
  expect(heard.length).toBeGreaterThan(1)
})
