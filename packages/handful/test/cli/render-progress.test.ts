/** Progress as it looks on a terminal and in a log. */
import { expect, test } from 'vitest'
import { createProgressRenderer, type ProgressRenderer } from '../../src/cli/render-progress.js'
import { Terminal } from '../../src/cli/terminal.js'

interface Screen {
  readonly progress: ProgressRenderer
  pass(seconds: number): void
  written(): string
}

function screen(options: {
  isTTY: boolean
  columns?: number
  environment?: Record<string, string>
  quiet?: boolean
}): Screen {
  let written = ''
  let seconds = 0
  const { isTTY, columns = 100, environment = {}, quiet = false } = options
  const terminal = new Terminal({
    stdout: { write: () => expect.unreachable('progress on stdout') },
    stderr: { write: (text) => void (written += text), isTTY, columns },
    environment,
    now: () => seconds,
  })
  return {
    progress: createProgressRenderer(terminal, { quiet }),
    pass: (more) => void (seconds += more),
    written: () => written,
  }
}

/** Trains for 100 steps, one a second, and reads 10 images. */
function play({ progress, pass }: Screen): void {
  progress.plan([
    { stage: 'train', expectedSeconds: 100 },
    { stage: 'read', expectedSeconds: 20 },
  ])
  for (let done = 0; done <= 100; done++) {
    progress.report({
      stage: 'train',
      done,
      total: 100,
      unit: 'steps',
      note: `loss ${(2 - done / 100).toFixed(2)}`,
    })
    pass(1)
  }
  for (let done = 0; done <= 10; done += 5)
    progress.report({ stage: 'read', done, total: 10, unit: 'images' })
  progress.close()
}

/** What a terminal shows in the end, and every state of its last line in between. */
function replay(text: string): { lines: string[]; drawn: string[] } {
  const lines = ['']
  const drawn: string[] = []
  // eslint-disable-next-line no-control-regex
  for (const part of text.split(/(\r|\n|\u001b\[K)/)) {
    if (part === '\n') lines.push('')
    else if (part === '\r') drawn.push(lines[lines.length - 1])
    else if (part === '\u001b[K') continue
    else if (part !== '') lines[lines.length - 1] = part
  }
  return { lines: lines.filter((line) => line !== ''), drawn }
}

test('files that are skipped are counted while the others are read', () => {
  const terminal = screen({ isTTY: true, columns: 140, environment: { NO_COLOR: '1' } })
  const event = { stage: 'read', done: 12_300, total: 60_000, unit: 'images' }
  terminal.progress.report({ ...event, skipped: 14 })
  expect(terminal.written()).toContain('12,300 of 60,000 images, 14 skipped so far')
})

test('on a terminal: one line with bar, share, time left for the stage and for all, rate and note', () => {
  const terminal = screen({ isTTY: true, environment: { NO_COLOR: '1' } })
  play(terminal)
  const { drawn, lines } = replay(terminal.written())
  expect(drawn).toContain(
    'train  █████░░░░░░░░░░░░░░░  25 %  1:15 left  all: 1:35  25 of 100 steps  1 steps/s  loss 1.75',
  )
  expect(lines).toEqual(['✓ train: 100 steps in 1 min 40 s, loss 1.00', '✓ read: 10 images in 0 s'])
})

test('on a narrow terminal the line never wraps', () => {
  const terminal = screen({ isTTY: true, columns: 50, environment: { NO_COLOR: '1' } })
  play(terminal)
  for (const line of replay(terminal.written()).drawn) expect(line.length).toBeLessThan(50)
  expect(replay(terminal.written()).drawn.join()).toContain('  25 %  1:15 left')
})

test('elsewhere: a plain line every five seconds and at the end of a stage', () => {
  const log = screen({ isTTY: false })
  play(log)
  const lines = log.written().trimEnd().split('\n')
  // eslint-disable-next-line no-control-regex
  expect(log.written()).not.toMatch(/[\u001b\r]/)
  expect(lines).toHaveLength(19 + 2)
  expect(lines[4]).toBe(
    '  train: 25 %, 25 of 100 steps, 1 steps/s, 1 min 15 s left, 1 min 35 s for the whole job, loss 1.75',
  )
  expect(lines[19]).toBe('✓ train: 100 steps in 1 min 40 s, loss 1.00')
})

test('a stage bound by time counts the clock', () => {
  const log = screen({ isTTY: false })
  for (let done = 0; done <= 60; done++) {
    log.progress.report({ stage: 'train', done, total: 60, unit: 's', note: 'step 7' })
    log.pass(1)
  }
  expect(log.written()).toContain('  train: 50 %, 0:30 of 1:00, 30 s left, step 7\n')
  expect(log.written()).toMatch(/✓ train: 1 min 00 s, step 7\n$/)
})

test('part of a long unit counts for the time left and is not shown', () => {
  const log = screen({ isTTY: false })
  for (let seconds = 0; seconds <= 60; seconds++) {
    log.progress.report({ stage: 'fit', done: seconds / 120, total: 2, unit: 'fits' })
    log.pass(1)
  }
  expect(log.written()).toMatch(/ {2}fit: 20 %, 0 of 2 fits, 0\.0083 fits\/s, 3 min 10 s left\n/)
})

test('a stage that was cut short says how far it came', () => {
  const log = screen({ isTTY: false })
  log.progress.report({ stage: 'train', done: 40, total: 100, unit: 'steps' })
  log.progress.close()
  expect(log.written()).toBe('– train: 40 of 100 steps in 0 s\n')
})

test('messages stay and do not mix with the bar', () => {
  const terminal = screen({ isTTY: true, environment: { NO_COLOR: '1' } })
  terminal.progress.report({ stage: 'train', done: 1, total: 100, unit: 'steps' })
  terminal.progress.message('2 files skipped')
  terminal.progress.close()
  expect(replay(terminal.written()).lines).toEqual(['2 files skipped', '– train: 1 of 100 steps in 0 s'])
})

test('--quiet leaves messages alone', () => {
  const terminal = screen({ isTTY: true, quiet: true })
  play(terminal)
  terminal.progress.message('2 files skipped')
  expect(terminal.written()).toBe('2 files skipped\n')
})

test.each([
  [{ isTTY: true }, true, true],
  [{ isTTY: false }, false, false],
  [{ isTTY: true, environment: { NO_COLOR: '1' } }, false, true],
  [{ isTTY: true, environment: { NO_COLOR: '' } }, true, true],
  [{ isTTY: false, environment: { FORCE_COLOR: '1' } }, true, false],
  [{ isTTY: true, environment: { FORCE_COLOR: '0' } }, false, true],
  [{ isTTY: true, environment: { TERM: 'dumb' } }, false, false],
])(
  '%j: colour %s, redraws %s',
  (
    { isTTY, environment = {} }: { isTTY: boolean; environment?: Record<string, string> },
    colour,
    redraws,
  ) => {
    const stderr = { write: () => {}, isTTY }
    const terminal = new Terminal({ stdout: stderr, stderr, environment, now: () => 0 })
    expect({ colour: terminal.colour, redraws: terminal.redraws }).toEqual({ colour, redraws })
  },
)
