/** Rates and time left from events on a clock that the test moves. */
import { describe, expect, test } from 'vitest'
import { READING, READING_STAGE } from '../../src/runs/read-dataset.js'
import { ProgressTracker } from '../../src/training/progress.js'

function clock(): { now: () => number; pass: (seconds: number) => void } {
  let seconds = 100
  return { now: () => seconds, pass: (more) => void (seconds += more) }
}

describe('ProgressTracker', () => {
  test('tells rate and time left of a steady stage', () => {
    const time = clock()
    const tracker = new ProgressTracker(time.now)
    for (let done = 0; done <= 40; done += 10) {
      tracker.report({ stage: 'read', done, total: 100, unit: 'images' })
      if (done < 40) time.pass(2)
    }
    expect(tracker.status()).toMatchObject({ rate: 5, secondsLeft: 12, elapsedSeconds: 8, finished: false })
  })

  test('time left keeps falling between events', () => {
    const time = clock()
    const tracker = new ProgressTracker(time.now)
    tracker.report({ stage: 'read', done: 0, total: 100, unit: 'images' })
    time.pass(10)
    tracker.report({ stage: 'read', done: 50, total: 100, unit: 'images' })
    time.pass(4)
    expect(tracker.status()?.secondsLeft).toBe(6)
  })

  test('what takes longer than thought is not said to end now', () => {
    const time = clock()
    const tracker = new ProgressTracker(time.now)
    tracker.report({ stage: 'fit', done: 0, total: 6, unit: 'fits' })
    time.pass(40)
    tracker.report({ stage: 'fit', done: 4, total: 6, unit: 'fits' })
    time.pass(19)
    expect(tracker.status()?.secondsLeft).toBe(1)
    time.pass(61)
    expect(tracker.status()?.secondsLeft).toBe(60)
  })

  test('knows neither rate nor time left after one event', () => {
    const tracker = new ProgressTracker(clock().now)
    tracker.report({ stage: 'read', done: 0, total: 100, unit: 'images' })
    expect(tracker.status()).toMatchObject({
      rate: undefined,
      secondsLeft: undefined,
      jobSecondsLeft: undefined,
    })
  })

  test('follows a change of pace', () => {
    const time = clock()
    const tracker = new ProgressTracker(time.now)
    let done = 0
    for (let i = 0; i < 60; i++, time.pass(1))
      tracker.report({ stage: 's', done: (done += 10), total: 10_000, unit: 'steps' })
    for (let i = 0; i < 60; i++, time.pass(1))
      tracker.report({ stage: 's', done: (done += 2), total: 10_000, unit: 'steps' })
    expect(tracker.status()?.rate).toBeCloseTo(2, 5)
  })

  test('leaves a stage of unknown length out of the plan until its own pace tells', () => {
    const time = clock()
    const tracker = new ProgressTracker(time.now)
    tracker.plan([
      { stage: 'read', expectedSeconds: 10 },
      { stage: 'train', expectedSeconds: undefined },
      { stage: 'predict', expectedSeconds: 5 },
    ])
    tracker.report({ stage: 'read', done: 0, total: 10, unit: 'images' })
    time.pass(10)
    tracker.report({ stage: 'read', done: 5, total: 10, unit: 'images' })
    expect(tracker.status()).toMatchObject({ secondsLeft: 10, jobSecondsLeft: undefined })
    time.pass(10)
    tracker.report({ stage: 'train', done: 0, total: 1000, unit: 'steps' })
    expect(tracker.status()?.jobSecondsLeft).toBeUndefined()
    time.pass(50)
    tracker.report({ stage: 'train', done: 500, total: 1000, unit: 'steps' })
    // Reading took twice its time, so will predicting; training says nothing about that.
    expect(tracker.status()?.jobSecondsLeft).toBe(50 + 2 * 5)
  })

  test('stretches the plan by how this machine compares with it', () => {
    const time = clock()
    const tracker = new ProgressTracker(time.now)
    tracker.plan([
      { stage: 'read', expectedSeconds: 10 },
      { stage: 'train', expectedSeconds: 20 },
      { stage: 'predict', expectedSeconds: 5 },
    ])
    tracker.report({ stage: 'read', done: 0, total: 10, unit: 'images' })
    time.pass(10)
    tracker.report({ stage: 'read', done: 5, total: 10, unit: 'images' })
    // Twice as slow as planned: 10 s more here, then 2 x (20 + 5).
    expect(tracker.status()?.jobSecondsLeft).toBeCloseTo(60, 5)
    time.pass(10)
    const ended = tracker.report({ stage: 'train', done: 0, total: 100, unit: 'steps' })
    expect(ended).toMatchObject({ stage: 'read', elapsedSeconds: 20, finished: true })
    expect(tracker.status()?.jobSecondsLeft).toBeCloseTo(2 * 20 + 2 * 5, 5)
  })

  test('reading says how many images there are, not how fast the machine is; the plan follows their number', () => {
    const time = clock()
    const tracker = new ProgressTracker(time.now)
    tracker.plan([READING_STAGE, { stage: 'features', expectedSeconds: 10 }])
    time.pass(3)
    tracker.plan([READING_STAGE, { stage: 'features', expectedSeconds: 500 }])
    tracker.report({ stage: READING, done: 0, total: 100_000, unit: 'images' })
    time.pass(30)
    tracker.report({ stage: READING, done: 50_000, total: 100_000, unit: 'images' })
    expect(tracker.status()).toMatchObject({ secondsLeft: 30, jobSecondsLeft: 530 })
  })

  test('a stage bound by time says nothing about the speed of the rest', () => {
    const time = clock()
    const tracker = new ProgressTracker(time.now)
    tracker.plan([
      { stage: 'train', expectedSeconds: 60 },
      { stage: 'predict', expectedSeconds: 30 },
    ])
    tracker.report({ stage: 'train', done: 0, total: 180, unit: 's' })
    time.pass(60)
    tracker.report({ stage: 'train', done: 60, total: 180, unit: 's' })
    expect(tracker.status()).toMatchObject({ secondsLeft: 120, jobSecondsLeft: 150 })
  })
})
