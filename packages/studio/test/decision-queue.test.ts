import { expect, test } from 'vitest'
import {
  type ClassChange,
  DecisionQueue,
  type Journal,
  type QueueStatus,
  type Step,
} from '../src/logic/decision-queue.js'
import { LabelBook } from '../src/logic/label-book.js'
import { OutOfReach, Refused } from '../src/studio/failures.js'

/** A journal in memory that can be cut off: before it hears, or after it has stored and before it answers. */
class FakeJournal implements Journal {
  readonly labels = new Int32Array(100).fill(-1)
  readonly rows: string[] = []
  revision = 0
  cut: 'no' | 'before' | 'after' = 'no'
  private classes = ['cat', 'dog']

  async label(decisions: Parameters<Journal['label']>[0]): Promise<number> {
    return this.through(() => {
      for (const { image, label } of decisions) {
        if (label === 9) throw new Refused('label (image 9): got class 9, expected one of 2')
        this.labels[image] = typeof label === 'number' ? label : label === null ? -1 : -2
        this.rows.push(`${image}=${label}`)
      }
      return ++this.revision
    })
  }

  async classNamed(name: string): Promise<number> {
    return this.through(() => {
      if (!this.classes.includes(name)) this.classes.push(name)
      return this.classes.indexOf(name)
    })
  }

  async changeClass(change: ClassChange) {
    return this.through(() => {
      const { id } = change
      if (this.classes[id] === undefined) throw new Refused(`class ${id}: not there`)
      if (change.kind === 'rename') this.classes[id] = change.name
      else delete this.classes[id]
      this.rows.push(`${change.kind} ${id}`)
      return ++this.revision
    })
  }

  async undo() {
    return this.through(() => {
      this.rows.push('undo')
      return { revision: ++this.revision, images: [1] }
    })
  }

  redo = () => this.undo()
  kept = async () => this.through(() => ({ revision: this.revision, labels: this.labels }))

  private async through<T>(work: () => T): Promise<T> {
    await Promise.resolve()
    if (this.cut === 'before') throw new OutOfReach('gone')
    const result = work()
    if (this.cut === 'after') throw new OutOfReach('gone')
    return result
  }
}

function queueOver(journal: FakeJournal) {
  const told = { status: [] as QueueStatus[], stored: [] as number[], refused: [] as string[] }
  const queue = new DecisionQueue(
    journal,
    {
      changed: (status) => told.status.push(status),
      stored: (id) => told.stored.push(id),
      refused: (_id, _step, reason) => told.refused.push(reason),
    },
    () => new Promise((resolve) => setTimeout(resolve, 1)),
  )
  const idle = async () => {
    while (queue.status.waiting > 0 || told.stored.length + told.refused.length < pushed)
      await new Promise((resolve) => setTimeout(resolve, 1))
  }
  let pushed = 0
  const push = (step: Step) => {
    pushed++
    return queue.push(step)
  }
  return { queue, told, push, idle }
}

const labelled = (image: number, label: number): Step => ({
  kind: 'label',
  decisions: [{ image, label }],
  seen: 'suggestion',
})

test('decisions reach the journal in order, and count as stored only when it says so', async () => {
  const journal = new FakeJournal()
  const { queue, told, push, idle } = queueOver(journal)
  for (let image = 0; image < 50; image++) push(labelled(image, image % 2))
  expect(queue.status).toMatchObject({ waiting: 50, stored: 0 })
  await idle()
  expect(queue.status).toEqual({ waiting: 0, stored: 50, outOfReach: false })
  expect(journal.rows).toEqual(Array.from({ length: 50 }, (_, image) => `${image}=${image % 2}`))
  expect(told.stored).toEqual(Array.from({ length: 50 }, (_, id) => id))
})

test('out of reach: kept, said, sent again in order when it is back', async () => {
  const journal = new FakeJournal()
  const { queue, told, push, idle } = queueOver(journal)
  journal.cut = 'before'
  push(labelled(1, 0))
  push(labelled(1, 1))
  push({ kind: 'undo' })
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(told.status.some(({ outOfReach, waiting }) => outOfReach && waiting === 2)).toBe(true)
  expect(journal.rows).toEqual([])
  journal.cut = 'no'
  queue.hurry()
  await idle()
  expect(journal.rows).toEqual(['1=0', '1=1', 'undo'])
  expect(queue.status.outOfReach).toBe(false)
})

test('an answer that is lost makes nothing happen twice', async () => {
  const journal = new FakeJournal()
  const { push, idle } = queueOver(journal)
  journal.cut = 'after'
  push(labelled(3, 1))
  await new Promise((resolve) => setTimeout(resolve, 10))
  journal.cut = 'no'
  await idle()
  expect(journal.rows).toEqual(['3=1'])
  // The undo is done, its answer is lost.
  const undo = journal.undo.bind(journal)
  journal.undo = async () => {
    await undo()
    journal.undo = undo
    throw new OutOfReach('gone')
  }
  push({ kind: 'undo' })
  await idle()
  expect(journal.rows).toEqual(['3=1', 'undo'])
})

test('what is refused is handed back with its reason, and the rest goes on', async () => {
  const journal = new FakeJournal()
  const { told, push, idle } = queueOver(journal)
  push(labelled(9, 9))
  push(labelled(2, 1))
  await idle()
  expect(told.refused).toEqual(['label (image 9): got class 9, expected one of 2'])
  expect(journal.rows).toEqual(['2=1'])
})

test('a class that is typed is made first, then its image gets it', async () => {
  const journal = new FakeJournal()
  const { push, idle } = queueOver(journal)
  push({ kind: 'newClass', name: 'owl', images: [4], seen: 'picked' })
  push(labelled(5, 2))
  await idle()
  expect(journal.rows).toEqual(['4=2', '5=2'])
})

test('changes of classes keep their place among the labels; one whose answer is lost is not refused', async () => {
  const journal = new FakeJournal()
  const { told, push, idle } = queueOver(journal)
  push(labelled(1, 0))
  push({ kind: 'classes', change: { kind: 'rename', id: 0, name: 'Katze' } })
  push({ kind: 'undo' })
  push(labelled(2, 1))
  await idle()
  expect(journal.rows).toEqual(['1=0', 'rename 0', 'undo', '2=1'])
  journal.cut = 'after'
  push({ kind: 'classes', change: { kind: 'delete', id: 1 } })
  await new Promise((resolve) => setTimeout(resolve, 10))
  journal.cut = 'no'
  await idle()
  expect(told.refused).toEqual([])
  expect(journal.rows.slice(4)).toEqual(['delete 1'])
  push({ kind: 'classes', change: { kind: 'merge', id: 1, into: 0 } })
  await idle()
  expect(told.refused).toEqual(['class 1: not there'])
})

test('after a change of classes, by whomever, nothing is guessed of what an undo brings', () => {
  const book = new LabelBook()
  book.load(1, [-1, -1])
  book.propose(0, [{ image: 0, label: 1 }])
  book.acknowledge(0, 2)
  book.apply(2, [[0, 1]])
  book.apply(3, [])
  expect(book.takeBack()).toBeUndefined()
  book.propose(1, [{ image: 1, label: 1 }])
  book.forgetPast()
  expect(book.takeBack()).toBeUndefined()
  expect([...book.values]).toEqual([1, 1])
})

test('labels are shown at once and give way to what the studio tells', () => {
  const book = new LabelBook()
  book.load(1, [-1, -1, 3, -1])
  book.propose(0, [{ image: 1, label: 5 }])
  expect([...book.values]).toEqual([-1, 5, 3, -1])
  // An older word of the studio does not take the newer decision back.
  expect(book.apply(2, [[1, 4]])).toBe(true)
  expect(book.values[1]).toBe(5)
  book.acknowledge(0, 3)
  expect(book.isBehind).toBe(true)
  expect(book.apply(3, [[1, 5]])).toBe(true)
  expect(book.isBehind).toBe(false)
  expect(book.values[1]).toBe(5)
  // Another tab has the last word.
  book.apply(4, [[1, 0]])
  expect(book.values[1]).toBe(0)
  // Something was missed: the labels have to be read anew.
  expect(book.apply(7, [[0, 1]])).toBe(false)
})

test('an undo of many is shown at once, a refusal takes its decisions back', () => {
  const book = new LabelBook()
  book.load(1, [0, 1, -1])
  book.propose(0, [0, 1, 2].map((image) => ({ image, label: 7 }))) // prettier-ignore
  expect([...book.values]).toEqual([7, 7, 7])
  const back = book.takeBack()
  expect(back).toEqual([
    { image: 0, label: 0 },
    { image: 1, label: 1 },
    { image: 2, label: -1 },
  ])
  book.propose(1, back ?? [], false)
  expect([...book.values]).toEqual([0, 1, -1])
  book.propose(2, [{ image: 0, label: 8 }])
  book.withdraw(2)
  expect(book.values[0]).toBe(0)
})
