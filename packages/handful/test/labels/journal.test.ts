/** Labels are never lost once they are acknowledged, whoever writes beside, and every step can be taken back. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Random } from 'onnx-autodiff'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Change, Journal } from '../../src/labels/journal.js'
import { journalSteps } from '../../src/labels/journal-log.js'
import { SNAPSHOT_FILE } from '../../src/labels/journal-snapshot.js'

const PERSON = { seen: 'picked', who: 'person' } as const
const APPEND = fileURLToPath(new URL('append-labels.ts', import.meta.url))

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-journal-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** All that a journal says of labels and classes. */
const contents = (journal: Journal) => ({
  labels: [...journal.labels()].sort(([a], [b]) => (a < b ? -1 : 1)),
  classes: journal.classes,
})

/** Read anew from the file alone. */
async function reopened(): Promise<Journal> {
  await rm(path.join(folder, SNAPSHOT_FILE), { force: true })
  const journal = await Journal.open(folder)
  await journal.close()
  return journal
}

describe('several processes', () => {
  function append(who: string, count: number): ChildProcess {
    return spawn(process.execPath, ['--import', 'tsx', APPEND, folder, who, String(count)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  }

  /** Images that a process said were stored. */
  async function acknowledged(child: ChildProcess): Promise<number> {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
    await once(child, 'close')
    return text.split('\n').filter((line) => line !== '').length
  }

  test('append at once, and one beside them sees every label', async () => {
    const watching = await Journal.open(folder, { watch: true })
    const told = new Set<string>()
    watching.on(({ images }) => images.forEach((image) => told.add(image)))
    const counts = await Promise.all(['ann', 'bob', 'eve'].map((who) => acknowledged(append(who, 20))))
    expect(counts).toEqual([20, 20, 20])
    const journal = await reopened()
    expect(journal.labelled).toBe(61)
    expect(journal.passedOver).toEqual([])
    expect(journal.revision).toBe(60)
    for (const who of ['ann', 'bob', 'eve']) {
      for (let i = 0; i < 20; i++) {
        const label = journal.labelOf(`${who}/${i}.png`)
        expect(typeof label === 'number' && journal.nameOf(label)).toBe(`class ${i % 3}`)
      }
    }
    expect(journal.classes.map(({ name }) => name).sort()).toEqual(
      ['ann', 'bob', 'class 0', 'class 1', 'class 2', 'eve'].sort(),
    )
    await expect.poll(() => told.size, { timeout: 3000 }).toBe(61)
    expect(contents(watching)).toEqual(contents(journal))
    await watching.close()
  })

  test('one that is killed loses nothing that it had acknowledged, and holds nobody up', async () => {
    const child = append('ann', 100_000)
    const stored = acknowledged(child)
    await expect
      .poll(async () => (await stat(path.join(folder, 'labels.jsonl')).catch(() => ({ size: 0 }))).size, {
        timeout: 20_000,
        interval: 20,
      })
      .toBeGreaterThan(4000)
    child.kill('SIGKILL')
    const count = await stored
    expect(count).toBeGreaterThan(5)
    const journal = await Journal.open(folder)
    for (let i = 0; i < count; i++) expect(journal.labelOf(`ann/${i}.png`)).not.toBeNull()
    const started = performance.now()
    await journal.labelNamed([{ image: 'after.png', name: 'class 0' }], PERSON)
    expect(performance.now() - started).toBeLessThan(5000)
    expect(contents(await reopened())).toEqual(contents(journal))
    await journal.close()
  })
})

describe('damage', () => {
  const label = async (journal: Journal, image: string, name: string): Promise<Change> =>
    journal.labelNamed([{ image, name }], PERSON)

  test('at every byte that the last step may be cut at, the others stay and the next is whole', async () => {
    const journal = await Journal.open(folder)
    await label(journal, 'a.png', 'cat')
    const before = contents(journal)
    const { size } = await stat(journal.file)
    await label(journal, 'ü "b", c.png', 'dog')
    await journal.close()
    const whole = await readFile(journal.file)
    for (let cut = size; cut < whole.length; cut += 23) {
      await writeFile(journal.file, whole.subarray(0, cut))
      const found = await Journal.open(folder)
      expect(contents(found)).toEqual(before)
      await label(found, 'next.png', 'cat')
      const again = await reopened()
      expect([again.labelled, again.labelOf('next.png'), again.labelOf('a.png')]).toEqual([2, 0, 0])
      await found.close()
    }
  })

  test('a line that is damaged is passed over and told; the lines after it count', async () => {
    const journal = await Journal.open(folder)
    for (const image of ['a', 'b', 'c']) await label(journal, image, 'cat')
    const file = await open(journal.file, 'r+')
    const text = await readFile(journal.file, 'utf8')
    await file.write('#', text.indexOf('"image":"b"'))
    await file.close()
    const found = await reopened()
    expect([...found.labels().keys()]).toEqual(['a', 'c'])
    expect(found.passedOver.map(({ line }) => line)).toEqual([3])
    await appendFile(
      journal.file,
      '{"step":9,"of":1,"do":"label","image":"d","label":5,"seen":"picked","who":"x","at":"y"}\n',
    )
    expect((await reopened()).passedOver.at(-1)?.reason).toMatch(/names class 5, which is not there/)
    await journal.close()
  })

  test('a journal that is cut under an open one is read again', async () => {
    const journal = await Journal.open(folder)
    await label(journal, 'a', 'cat')
    const { size } = await stat(journal.file)
    await label(journal, 'b', 'cat')
    await truncate(journal.file, size)
    expect((await journal.refresh()).images).toContain('b')
    expect([...journal.labels().keys()]).toEqual(['a'])
    await journal.close()
  })

  test('a folder that is not there is said in words, and nothing is changed', async () => {
    const journal = await Journal.open(path.join(folder, 'gone'))
    await expect(label(journal, 'a', 'cat')).rejects.toThrow(/gone/)
    expect(journal.labelled).toBe(0)
  })
})

describe('steps', () => {
  test('any steps, taken back, are as if they had not been; done again, as they were; opened again, the same', async () => {
    for (let trial = 0; trial < 3; trial++) {
      const random = new Random(trial, 'steps')
      const journal = await Journal.open(folder)
      await rm(path.join(folder, SNAPSHOT_FILE), { force: true })
      const steps = 25
      const history = [contents(journal)]
      for (let done = 0; done < steps;) {
        const { revision } = journal
        await someStep(journal, random)
        if (journal.revision === revision) continue
        history.push(contents(journal))
        done++
      }
      for (let back = steps - 1; back >= steps - 10; back--) {
        await journal.undo('person')
        expect(contents(journal)).toEqual(history[back])
      }
      expect(contents(await reopened())).toEqual(history[steps - 10])
      for (let on = steps - 9; on <= steps; on++) {
        await journal.redo('person')
        expect(contents(journal)).toEqual(history[on])
      }
      // By whoever opens it next, with a snapshot from any moment between or none; classes keep number, name and place.
      for (let back = steps - 1; back >= 0; back--) {
        const other = await Journal.open(folder, { snapshotEveryBytes: 1 + random.integer(3000) })
        expect((await other.undo('command line')).classes).toBe(
          JSON.stringify(history[back + 1].classes.map(named)) !==
            JSON.stringify(history[back].classes.map(named)),
        )
        expect(contents(other)).toEqual(history[back])
        await other.close()
      }
      expect(contents(await reopened())).toEqual(history[0])
      for (let on = 1; on <= steps; on++) await journal.redo('person')
      expect(contents(journal)).toEqual(history[steps])
      const again = await reopened()
      expect([contents(again), again.revision]).toEqual([contents(journal), journal.revision])
      await journal.close()
      await rm(journal.file)
    }
  })

  const named = ({ id, name }: { id: number; name: string }) => [id, name]

  async function someStep(journal: Journal, random: Random): Promise<void> {
    const { classes } = journal
    const some = () => classes[random.integer(classes.length)]?.id ?? 0
    const image = () => `${random.integer(8)}.png`
    const chosen = random.integer(classes.length < 2 ? 2 : 7)
    if (chosen === 0) await journal.addClass(`class ${random.integer(20)}`, 'person')
    else if (chosen === 1)
      await journal.labelNamed([{ image: image(), name: `class ${random.integer(20)}` }], PERSON)
    else if (chosen === 2) {
      // The same image may stand in a step twice.
      const decisions = Array.from({ length: 4 }, () => ({ image: image(), label: some() }))
      await journal.label(decisions, PERSON)
    } else if (chosen === 3)
      await journal.label(
        [
          { image: image(), label: null },
          { image: image(), label: 'none' },
        ],
        PERSON,
      )
    else if (chosen === 4) await journal.mergeClasses(classes[0].id, classes[1].id, 'person')
    else if (chosen === 5) await journal.deleteClass(some(), 'person')
    else await journal.renameClass(some(), `name ${random.integer(1000)}`, 'person').catch(() => {})
  }

  test('another step after undoing ends what could be done again', async () => {
    const journal = await Journal.open(folder)
    await journal.labelNamed([{ image: 'a', name: 'cat' }], PERSON)
    await journal.undo('person')
    expect([journal.canUndo, journal.canRedo, journal.classes]).toEqual([false, true, []])
    await journal.addClass('dog', 'person')
    expect(journal.canRedo).toBe(false)
    expect((await journal.redo('person')).images).toEqual([])
    // The number of the class that was taken back is never another's.
    expect(journal.classOf('dog')).toBe(1)
    await journal.close()
  })

  test('classes: renamed, merged and deleted with their images', async () => {
    const journal = await Journal.open(folder)
    const decisions = ['cat', 'cat', 'kitten', 'dog'].map((name, i) => ({ image: `${i}`, name }))
    await journal.labelNamed(decisions, PERSON)
    await journal.renameClass(0, 'Katze', 'person')
    await expect(journal.renameClass(2, 'Katze', 'person')).rejects.toThrow(/which another class has/)
    expect((await journal.mergeClasses(1, 0, 'person')).images).toEqual(['2'])
    expect(journal.classes).toEqual([
      { id: 0, name: 'Katze', count: 3 },
      { id: 2, name: 'dog', count: 1 },
    ])
    expect((await journal.deleteClass(0, 'person')).images).toEqual(['0', '1', '2'])
    expect([...journal.labels().keys()]).toEqual(['3'])
    await expect(journal.label([{ image: '0', label: 0 }], PERSON)).rejects.toThrow(/expected 2 "dog"/)
    await journal.undo('person')
    expect(journal.classes.map(({ count }) => count)).toEqual([3, 1])
    await expect(journal.addClass('  ', 'person')).rejects.toThrow(/name of a class/)
    await journal.close()
  })

  test('the log says who did what, without what is no step of a person', async () => {
    const journal = await Journal.open(folder, { now: () => new Date(Date.UTC(2026, 4, 4, 12)) })
    await journal.labelNamed(
      [
        { image: 'a "b".png', name: 'cat' },
        { image: 'c.png', name: 'dog' },
      ],
      PERSON,
    )
    await journal.learnContents([{ image: 'c.png', sha256: 'aa' }], 'handful')
    await journal.label([{ image: 'c.png', label: 'none' }], { seen: 'blind', who: 'person' })
    await journal.undo('command line')
    const steps = []
    for await (const { at, who, what } of journalSteps(journal.file)) steps.push(`${at} ${who}: ${what}`)
    expect(steps).toEqual([
      '2026-05-04T12:00:00.000Z person: new: "cat", "dog"; 2 images: 2 labels (picked)',
      '2026-05-04T12:00:00.000Z person: c.png: none of these (blind)',
      '2026-05-04T12:00:00.000Z command line: step 3 taken back',
    ])
    expect(journal.labels().get('c.png')).toMatchObject({ label: 1, sha256: 'aa' })
    await journal.close()
  })
})

describe('a snapshot', () => {
  const KEEP = { snapshotEveryBytes: 1 }
  const kept = () => readFile(path.join(folder, SNAPSHOT_FILE))

  /** A journal with all kinds of steps, the last one taken back, and its snapshot. */
  async function made(): Promise<Journal> {
    const journal = await Journal.open(folder)
    const decisions = ['cat', 'dog', 'owl'].map((name, i) => ({ image: `ü ${i}.png`, name, sha256: `${i}a` }))
    await journal.labelNamed(decisions, PERSON)
    await journal.label([{ image: 'none.png', label: 'none' }], { seen: 'blind', who: 'eve' })
    await journal.mergeClasses(2, 0, 'person')
    await journal.renameClass(1, 'Hund', 'person')
    await journal.undo('person')
    await journal.close()
    await (await Journal.open(folder, KEEP)).close()
    return journal
  }

  test('gives the same as the lines, what came after it included', async () => {
    const journal = await made()
    const before = await kept()
    const opened = await Journal.open(folder)
    expect([contents(opened), opened.revision, opened.canUndo, opened.canRedo]).toEqual([
      contents(journal), journal.revision, true, true,
    ]) // prettier-ignore
    await opened.redo('person')
    expect(opened.nameOf(1)).toBe('Hund')
    await opened.label([{ image: 'next.png', label: 1 }], PERSON)
    const again = await Journal.open(folder)
    expect(contents(again)).toEqual(contents(opened))
    expect(await kept()).toEqual(before)
    expect(contents(await reopened())).toEqual(contents(opened))
    await Promise.all([opened.close(), again.close()])
  })

  test('that is damaged, cut, or of other lines is passed over', async () => {
    const journal = await made()
    const [snapshot, lines] = [await kept(), await readFile(journal.file)]
    const place = path.join(folder, SNAPSHOT_FILE)
    const open = async () => {
      const found = await Journal.open(folder)
      await found.close()
      return contents(found)
    }
    for (let at = 0; at < snapshot.length; at += 41) {
      const bent = Buffer.from(snapshot)
      bent[at] ^= 1
      await writeFile(place, bent)
      expect(await open(), `byte ${at}`).toEqual(contents(journal))
      await writeFile(place, snapshot.subarray(0, at))
      expect(await open(), `cut at ${at}`).toEqual(contents(journal))
    }
    // Whoever changes the journal by hand has what it says now: by a letter, by a line less.
    await writeFile(place, snapshot)
    await writeFile(journal.file, lines.toString().replace('"name":"owl"', '"name":"elk"'))
    const undone = await Journal.open(folder)
    await undone.undo('person')
    expect(undone.classes.map(({ name }) => name)).toEqual(['cat', 'dog', 'elk'])
    await undone.close()
    await writeFile(journal.file, lines.subarray(0, lines.indexOf('\n') + 1))
    await writeFile(place, snapshot)
    expect((await open()).labels).toEqual([])
  })

  test('holds the last steps: those before are taken back all the same', async () => {
    const journal = await Journal.open(folder)
    await journal.labelNamed([{ image: 'first', name: 'cat' }], PERSON)
    const many = Array.from({ length: 20_001 }, (_, i) => ({ image: `${i}`, label: 0 }))
    await journal.label(many, PERSON)
    await journal.close()
    await (await Journal.open(folder, KEEP)).close()
    const other = await Journal.open(folder, { watch: true })
    const opened = await Journal.open(folder)
    expect([opened.labelled, opened.canUndo]).toEqual([20_002, true])
    await opened.undo('person')
    expect([...opened.labels().keys()]).toEqual(['first'])
    await other.refresh()
    expect(contents(other)).toEqual(contents(opened))
    await opened.undo('person')
    expect([opened.labelled, opened.classes, opened.canUndo]).toEqual([0, [], false])
    await Promise.all([opened.close(), other.close()])
  })
})

test('hundreds of thousands of lines are read in seconds', async () => {
  const line = (i: number): string =>
    `{"step":${i + 2},"of":1,"do":"label","image":"folder/${i % 60_000}.png","label":${i % 2},"seen":"picked","who":"person","at":"2026-05-04T12:00:00.000Z"}\n`
  const classes = ['a', 'b'].map(
    (name, id) =>
      `{"step":1,"of":2,"do":"class","id":${id},"name":"${name}","who":"person","at":"2026-05-04"}\n`,
  )
  const file = path.join(folder, 'labels.jsonl')
  await writeFile(file, classes.join(''))
  for (let start = 0; start < 3e5; start += 1e5)
    await appendFile(file, Array.from({ length: 1e5 }, (_, i) => line(start + i)).join(''))
  const started = performance.now()
  const journal = await Journal.open(folder)
  const seconds = (performance.now() - started) / 1000
  expect([journal.revision, journal.labelled]).toEqual([300_001, 60_000])
  expect(seconds).toBeLessThan(15)
  const next = performance.now()
  await journal.label([{ image: 'folder/0.png', label: 1 }], PERSON)
  expect(performance.now() - next).toBeLessThan(1000)
  await journal.close()
  const second = performance.now()
  const again = await Journal.open(folder)
  expect(performance.now() - second).toBeLessThan((1000 * seconds) / 2)
  expect([again.revision, again.labelled]).toEqual([300_002, 60_000])
  await again.close()
})
