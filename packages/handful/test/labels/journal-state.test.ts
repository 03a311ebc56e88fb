/** How many steps a journal's state keeps: those that can be taken back without reading its lines again. */
import { expect, test } from 'vitest'
import type { JournalLine, LabelLine } from '../../src/labels/journal-lines.js'
import { Changes, JournalState, StepsBefore } from '../../src/labels/journal-state.js'

const told = { of: 1, who: 'person', at: '2026-05-04T12:00:00.000Z' }
const label = (step: number, image: string, id = 0): LabelLine => ({
  ...told,
  step,
  do: 'label',
  image,
  label: id,
  seen: 'picked',
})

function played(keeps?: number): {
  state: JournalState
  take: (...lines: JournalLine[]) => string | undefined
} {
  const state = new JournalState(undefined, keeps)
  const take = (...lines: JournalLine[]) => state.take(lines, new Changes())
  take({ ...told, step: 1, do: 'class', id: 0, name: 'cat' })
  for (let step = 2; step <= 200; step++) take(label(step, `${step % 7}.png`))
  return { state, take }
}

test('the last steps are taken back and done again; one long past asks for the lines', () => {
  const { state, take } = played(20)
  const whole = played()
  expect([...state.labels]).toEqual([...whole.state.labels])
  expect([state.revision, state.undoable]).toEqual([whole.state.revision, 200])
  let step = 200
  const back = () => take({ ...told, step: 1000 - step, do: 'undo', undoes: step })
  for (; step > 180; step--) {
    expect(back()).toBeUndefined()
    whole.take({ ...told, step: 1000 - step, do: 'undo', undoes: step })
  }
  expect([...state.labels]).toEqual([...whole.state.labels])
  expect(take({ ...told, step: 900, do: 'redo', redoes: 181 })).toBeUndefined()
  step = 181
  // A few more are kept than asked for, then there are none, and nothing was changed.
  expect(() => {
    for (; step > 100; step--) back()
  }).toThrow(StepsBefore)
  expect(step).toBeGreaterThan(140)
  expect(state.undoable).toBe(step)
})

test('the newest step is kept, however many images it holds', () => {
  const { state, take } = played(20)
  const many = Array.from({ length: 300 }, (_, i) => ({ ...label(201, `${i}.png`), of: 300 }))
  take(...many)
  expect(state.labels.size).toBe(300)
  expect(take({ ...told, step: 202, do: 'undo', undoes: 201 })).toBeUndefined()
  expect(state.labels.size).toBe(7)
})
