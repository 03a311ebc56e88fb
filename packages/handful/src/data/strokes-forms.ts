/**
 * How people write the ten digits: the pen's path for each common form of each digit, as control points that the pen
 * passes through. One form is a family: every stroke is given at its two extremes, and an image takes a mixture of both,
 * so that slim and round, straight and hooked writing shade into each other.
 *
 * Notation of a path: `x,y x,y ...` in hundredths of the digit's height, the origin at its centre, y downwards, in the
 * order in which a right-handed writer moves. A point followed by `!` is a corner; the curve is smooth everywhere else.
 */

/** One pen movement, without lifting. */
export interface StrokeFamily {
  /** Control points `x, y, x, y, ...` at one extreme, in digit heights. */
  readonly from: Float64Array
  /** The same points at the other extreme. */
  readonly to: Float64Array
  /** For each control point: 1 where the pen turns sharply, 0 where the curve is smooth. */
  readonly corners: Uint8Array
  /** How often the stroke is written at all, such as the bar of a seven. */
  readonly presence: number
}

export interface DigitForm {
  readonly name: string
  /** Relative frequency among the forms of the same digit. */
  readonly frequency: number
  readonly strokes: readonly StrokeFamily[]
}

function parsePath(path: string): { points: Float64Array; corners: Uint8Array } {
  const entries = path.trim().split(/\s+/)
  const points = new Float64Array(2 * entries.length)
  const corners = new Uint8Array(entries.length)
  entries.forEach((entry, i) => {
    const match = /^(-?\d+),(-?\d+)(!?)$/.exec(entry)
    if (match === null) throw new Error(`internal: path of a digit: got "${entry}", expected "x,y" or "x,y!"`)
    points[2 * i] = Number(match[1]) / 100
    points[2 * i + 1] = Number(match[2]) / 100
    corners[i] = match[3] === '!' ? 1 : 0
  })
  return { points, corners }
}

function stroke(from: string, to: string, presence = 1): StrokeFamily {
  const start = parsePath(from)
  const end = parsePath(to)
  if (start.corners.join() !== end.corners.join()) {
    throw new Error(
      `internal: extremes of a stroke: got "${from}" and "${to}", expected the same points and corners`,
    )
  }
  return { from: start.points, to: end.points, corners: start.corners, presence }
}

function form(name: string, frequency: number, ...strokes: StrokeFamily[]): DigitForm {
  return { name, frequency, strokes }
}

/** The forms of each digit, indexed by the digit. */
export const DIGIT_FORMS: readonly (readonly DigitForm[])[] = [
  [
    form(
      'oval',
      6,
      stroke(
        '8,-49 -20,-36 -33,0 -22,37 2,50 25,36 33,0 24,-35 2,-49',
        '8,-47 -8,-32 -17,5 -13,40 -1,50 11,36 17,0 14,-34 4,-50',
      ),
    ),
    form(
      'started at the top, ends open or crossing',
      3,
      stroke(
        '14,-40 -8,-50 -28,-26 -29,18 -8,48 18,42 30,8 22,-30 -6,-44',
        '-8,-44 -20,-40 -28,-8 -24,34 2,50 22,32 27,-6 14,-42 -8,-52',
      ),
    ),
    form(
      'looped at the top',
      2,
      stroke(
        '6,-48 -18,-38 -30,0 -18,40 4,50 24,30 26,-14 10,-42 -8,-34 6,-24 26,-36',
        '4,-46 -12,-36 -22,4 -14,42 2,50 18,32 20,-10 10,-44 -4,-42 2,-34 18,-42',
      ),
    ),
  ],
  [
    form('bar', 5, stroke('0,-50 0,0 0,50', '12,-50 0,0 -13,50')),
    form('serif', 4, stroke('-20,-26 4,-50! 4,0 3,50', '-12,-40 6,-50! 2,0 -4,50')),
    form(
      'serif and base',
      3,
      stroke('-20,-30 2,-50! 2,0 2,48', '-14,-38 4,-50! 2,0 0,48'),
      stroke('-24,49 0,48 26,48', '-16,50 0,49 18,46'),
    ),
    form('hooked foot', 1, stroke('-4,-50 -5,0 0,40 10,48', '6,-50 1,0 -4,42 6,50')),
  ],
  [
    form(
      'straight base',
      5,
      stroke(
        '-27,-26 -15,-45 6,-50 25,-34 19,-6 -4,22 -29,47! 0,47 31,46',
        '-22,-36 -8,-48 8,-48 18,-32 10,-2 -8,24 -22,49! -2,44 27,44',
      ),
    ),
    form(
      'looped base',
      4,
      stroke(
        '-26,-28 -12,-47 8,-49 24,-32 16,-2 -4,28 -20,46 -32,42 -24,28 -6,34 14,46 33,40',
        '-22,-24 -12,-44 4,-50 16,-36 12,-6 0,26 -14,44 -22,42 -18,34 -4,36 10,44 27,46',
      ),
    ),
    form(
      'flat neck, like a z',
      2,
      stroke(
        '-27,-40 -10,-47 12,-46 22,-40 16,-20 -4,12 -26,44! 0,42 30,44',
        '-22,-32 -12,-46 8,-49 22,-34 12,-12 -6,16 -22,42! 4,48 28,40',
      ),
    ),
  ],
  [
    form(
      'two bows',
      6,
      stroke(
        '-25,-38 -4,-50 19,-38 17,-16 -6,-4! 20,6 27,27 8,48 -14,48 -29,34',
        '-18,-42 -2,-50 14,-40 10,-20 -8,-8! 14,4 20,26 6,46 -10,50 -22,44',
      ),
    ),
    form(
      'flat top',
      2,
      stroke(
        '-25,-47 0,-48 22,-48! 10,-30 -4,-12! 18,-4 27,20 8,47 -14,48 -29,36',
        '-20,-46 0,-47 18,-49! 8,-32 -6,-10! 14,-2 20,22 4,46 -10,50 -24,42',
      ),
    ),
    form(
      'looped waist',
      3,
      stroke(
        '-24,-36 -4,-50 18,-40 14,-16 -4,-4 -12,-10 -2,-14 18,0 26,24 8,47 -14,48 -28,36',
        '-18,-40 0,-50 14,-38 8,-12 -8,0 -14,-6 -2,-8 14,6 19,28 4,49 -12,47 -22,38',
      ),
    ),
  ],
  [
    form(
      'open',
      5,
      stroke('-24,-44 -26,-20 -27,8! 0,7 32,4', '-14,-46 -22,-18 -28,12! 0,12 26,8'),
      stroke('16,-40 15,0 12,50', '14,-28 10,6 2,50'),
    ),
    form(
      'closed',
      4,
      stroke('12,-50 -10,-18 -33,16! 0,15 33,14', '4,-50 -14,-18 -26,10! 0,10 27,4'),
      stroke('13,-50 13,0 13,50', '8,-48 5,0 -2,50'),
    ),
    form(
      'rounded, one movement',
      3,
      stroke(
        '-26,-46 -27,-16 -12,2 10,-4 24,-24 26,-46! 22,0 18,50',
        '-18,-46 -24,-10 -14,6 6,2 18,-18 22,-40! 15,4 6,50',
      ),
    ),
  ],
  [
    form(
      'hat written last',
      5,
      stroke(
        '-18,-47 -20,-28 -22,-8! 2,-15 24,2 23,30 2,49 -26,40',
        '-8,-46 -12,-28 -16,-8! 4,-10 17,6 14,34 -4,50 -22,42',
      ),
      stroke('-18,-47 4,-48 27,-49', '-4,-44 8,-46 26,-48'),
    ),
    form(
      'one movement',
      4,
      stroke(
        '28,-48 4,-47 -17,-46! -22,-8! 2,-16 24,2 23,30 2,49 -26,42',
        '24,-46 8,-48 -8,-46! -14,-10! 2,-10 16,6 14,32 -4,50 -24,44',
      ),
    ),
    form(
      'drawn like an s',
      2,
      stroke(
        '26,-44 4,-48 -18,-40 -20,-18 2,-8 22,8 20,34 -2,49 -26,42',
        '22,-48 4,-46 -12,-36 -14,-14 2,-4 16,10 14,34 -4,48 -20,46',
      ),
    ),
  ],
  [
    form(
      'bowed stem',
      6,
      stroke(
        '16,-50 -10,-30 -26,6 -20,40 4,50 24,34 20,10 0,4 -24,24',
        '10,-50 -6,-24 -18,10 -14,40 0,50 14,38 13,20 0,16 -14,32',
      ),
    ),
    form(
      'straight stem',
      3,
      stroke(
        '-12,-50 -20,-14 -22,22 -14,44 4,50 22,36 20,12 0,6 -22,26',
        '14,-50 0,-20 -12,10 -16,36 -4,49 12,42 15,22 2,14 -16,28',
      ),
    ),
    form(
      'hooked top',
      2,
      stroke(
        '26,-36 12,-49 -10,-38 -25,0 -20,38 4,50 24,34 18,8 -4,6 -22,22',
        '20,-40 12,-50 0,-42 -14,0 -14,38 2,50 16,36 13,14 0,10 -14,24',
      ),
    ),
  ],
  [
    form(
      'sharp',
      5,
      stroke('-28,-45 0,-46 28,-46! 8,-2 -8,50', '-22,-40 0,-45 22,-50! 8,0 -4,50'),
      stroke('-16,2 6,1 28,-1', '-12,8 4,4 22,-2', 0.4),
    ),
    form(
      'with a serif',
      3,
      stroke('-29,-26 -28,-45! 0,-45 28,-46! 8,-4 -8,50', '-24,-34 -22,-46! 0,-44 22,-48! 12,0 4,50'),
      stroke('-14,2 6,1 28,-1', '-10,8 4,4 26,0', 0.4),
    ),
    form(
      'rounded shoulder',
      3,
      stroke('-28,-38 -14,-48 10,-46 24,-36 12,-2 -2,50', '-24,-36 -10,-44 10,-50 20,-38 14,-4 6,50'),
    ),
  ],
  [
    form(
      'one movement, crossing at the waist',
      6,
      stroke(
        '20,-38 0,-50 -21,-36 -12,-12 10,4 26,27 2,50 -25,28 -10,4 12,-12 22,-36 12,-48',
        '14,-40 2,-50 -12,-38 -8,-14 4,4 14,28 -2,50 -16,32 -8,8 6,-8 16,-32 10,-46',
      ),
    ),
    form(
      'two circles',
      2,
      stroke(
        '4,-50 -18,-38 -12,-8 6,-2 22,-22 16,-44 0,-50',
        '4,-50 -11,-40 -8,-12 3,-6 13,-24 11,-44 2,-50',
      ),
      stroke('2,-4 -20,10 -22,36 2,50 25,34 20,8 -2,-4', '0,-6 -12,8 -14,38 -2,50 12,38 11,6 0,-6'),
    ),
    form(
      'open at the top',
      3,
      stroke(
        '26,-46 2,-48 -19,-36 -10,-12 12,6 24,28 2,50 -24,32 -8,6 12,-10 28,-34',
        '17,-44 4,-50 -11,-38 -8,-14 6,6 12,30 -4,50 -17,34 -8,8 8,-10 22,-40',
      ),
    ),
  ],
  [
    form(
      'straight stem',
      5,
      stroke(
        '24,-34 2,-50 -22,-36 -20,-10 2,-4 22,-26 26,-42! 22,4 16,50',
        '17,-40 4,-50 -12,-36 -12,-14 0,-10 12,-26 18,-42! 12,4 0,50',
      ),
    ),
    form(
      'bowed tail',
      4,
      stroke(
        '22,-32 4,-49 -20,-36 -18,-10 4,-4 20,-20 24,-34! 24,10 10,42 -12,49 -24,38',
        '16,-36 4,-50 -11,-38 -11,-14 2,-10 13,-24 16,-38! 15,8 6,40 -6,50 -18,46',
      ),
    ),
    form(
      'one loop',
      3,
      stroke(
        '22,-26 14,-46 -8,-50 -24,-30 -12,-8 10,-12 23,-34 20,0 12,28 2,50',
        '18,-32 12,-48 -4,-49 -14,-30 -8,-12 8,-18 17,-38 12,0 4,28 -6,50',
      ),
    ),
  ],
]
