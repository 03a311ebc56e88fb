import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeText, parseCsv } from '../../src/files/csv.js'
import { formatCsvRow } from '../../src/files/csv-row.js'
import { HandfulError } from '../../src/errors.js'
import { failure } from '../data/support.js'

const fields = (text: string): (readonly string[])[] => parseCsv(text, 'a.csv').map((row) => row.fields)

describe('parseCsv', () => {
  it.each([
    ['a,b\n1,2\n', [['a', 'b'], ['1', '2']]], // prettier-ignore
    ['a,b\r\n1,2', [['a', 'b'], ['1', '2']]], // prettier-ignore
    ['a,b\r1,2\r', [['a', 'b'], ['1', '2']]], // prettier-ignore
    ['\uFEFFa,b\n,\n', [['a', 'b'], ['', '']]], // prettier-ignore
    ['a\n\n"x, ""y""\r\nz"\n', [['a'], ['x, "y"\r\nz']]],
    ['a,b\n"",""', [['a', 'b'], ['', '']]], // prettier-ignore
    ['', []],
  ])('reads %j', (text, expected) => {
    expect(fields(text)).toEqual(expected)
  })

  it('counts rows as a spreadsheet does, empty ones included', () => {
    expect(parseCsv('a\n\n"1\n2"\n3\n', 'a.csv').map((row) => row.number)).toEqual([1, 3, 4])
  })

  it.each([
    ['a,b\n1,2\n1,2,3\n', 'fields (a.csv row 3): got 3, expected 2'],
    ['a\n"1\n', 'CSV quoting (a.csv row 2): got a quote that is never closed'],
    ['a\nx"y"\n', 'CSV quoting (a.csv row 2): got a quote inside a field'],
    ['a\n"x"y\n', 'CSV quoting (a.csv row 2): got "y" after a closing quote'],
  ])('refuses %j and names the row', async (text, message) => {
    expect((await failure(() => parseCsv(text, 'a.csv'))).message).toContain(message)
  })

  it('reads or refuses any text, in one line', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r'), maxLength: 20 })
    fc.assert(
      fc.property(text, (content) => {
        try {
          const widths = new Set(parseCsv(content, 'a.csv').map((row) => row.fields.length))
          expect(widths.size).toBeLessThan(2)
        } catch (error) {
          expect(error).toBeInstanceOf(HandfulError)
        }
      }),
    )
  })

  it('reads back whatever formatCsvRow writes', () => {
    const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é', ';'), maxLength: 6 })
    const table = fc
      .integer({ min: 2, max: 4 })
      .chain((width) =>
        fc.array(fc.array(field, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }),
      )
    fc.assert(
      fc.property(table, (rows) => {
        expect(fields(rows.map(formatCsvRow).join(''))).toEqual(rows)
      }),
    )
  })
})

describe('decodeText', () => {
  it('reads UTF-16 of either byte order by its mark', () => {
    const little = Buffer.from('\uFEFFfile,Größe\r\na.png,😀', 'utf16le')
    const big = Buffer.from(little).swap16()
    expect(decodeText(little, 'a.csv')).toBe('file,Größe\r\na.png,😀')
    expect(decodeText(big, 'a.csv')).toBe('file,Größe\r\na.png,😀')
  })

  it('says how to save a file that is neither UTF-8 nor UTF-16', async () => {
    const cut = await failure(() => decodeText(Buffer.from([0xff, 0xfe, 0x41]), 'a.csv'))
    expect(cut.message).toContain('text encoding (a.csv): got bytes that are not UTF-16, expected UTF-8')
    const latin1 = await failure(() => decodeText(Buffer.from('caf\xe9', 'latin1'), 'a.csv'))
    expect(latin1.message).toContain('got bytes that are not UTF-8')
  })
})
