import { describe, expect, it } from 'vitest'
import { HandfulError, printable, quoted, systemError, usageError } from '../src/errors.js'

describe('HandfulError', () => {
  it('reads what (where): got, expected; hint', () => {
    const error = new HandfulError({
      what: 'size',
      where: '--size',
      got: '3',
      expected: '4 or more',
      hint: 'grow',
    })
    expect(error.message).toBe('size (--size): got 3, expected 4 or more; grow')
    expect(error).toMatchObject({
      what: 'size',
      where: '--size',
      got: '3',
      expected: '4 or more',
      hint: 'grow',
    })
    expect(error.exitCode).toBe(1)
    expect(new HandfulError({ what: 'images', got: 'none' }).message).toBe('images: got none')
    expect(new HandfulError({ what: 'stopped' }).message).toBe('stopped')
  })

  it('has exit code 2 for a wrong use', () => {
    expect(usageError({ what: 'option' }).exitCode).toBe(2)
  })

  it('stays on one line whatever a file is called', () => {
    expect(new HandfulError({ what: 'a', where: 'x\ny', got: '\u001b[31mred' }).message).toBe(
      'a (x y): got \\u001b[31mred',
    )
    expect(printable('a\nb\u001b')).toBe('a\\nb\\u001b')
    expect(quoted('x'.repeat(500)).length).toBeLessThan(205)
  })
})

describe('systemError', () => {
  it('says a full disk in plain words', () => {
    const cause = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    expect(systemError('writing', '/runs/a.csv', cause).message).toBe(
      'writing (/runs/a.csv): got a full disk; free some space or choose another place',
    )
  })

  it('leaves an error alone that is already one line', () => {
    const error = new HandfulError({ what: 'a' })
    expect(systemError('writing', 'b', error)).toBe(error)
  })
})
