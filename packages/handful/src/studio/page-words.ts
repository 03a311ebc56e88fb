/**
 * Errors and notes are written for the command line. What the page shows of them names none of its options and commands, and
 * says what to do on the page in their place.
 */

/** A command of the program, or an option of one. */
const COMMAND = /handful (?!has\b)[a-z]+/
const OPTION = /(?<![\w-])--[a-z][a-z-]*/
const TYPED = new RegExp(`${COMMAND.source}|${OPTION.source}|\\bulimit\\b|\\bTMPDIR\\b`)

/** Advice, by what it names; the first that fits. Undefined: it goes, since something else is said beside it. */
const ADVICE: readonly (readonly [RegExp, string | undefined])[] = [
  [/^delete it/, 'delete the file, then open the folder of images and train under Train'],
  [/--resume/, 'go on with it, or begin another, under Train'],
  [/handful suggest/, 'label images of two classes under Label'],
  [/handful predict/, 'pictures are classified under Use'],
  [/handful (pretrain|train|prepare|fit)/, 'train a model under Train'],
  [/labels set --none/, 'N labels an image so'],
  [/--dataset strokes/, 'give the folder of your images'],
  [/--size|--memory|TMPDIR/, 'choose a smaller image size under Train, or make room on this disk'],
  [/ulimit/, 'close other programs and start the studio again'],
  [/--out\b.*nothing was changed|make room/, 'make room on this disk'],
  [/--out\b/, 'open the folder of images and train anew under Train'],
  [/--encoder|--embeddings|--baseline|--plugin|--set\b|--layers/, 'train a model of the studio under Train'],
  [/--help|handful study|handful data/, undefined],
]
const ELSEWHERE = 'that is done at the command line'

/** What is expected or found, in words that need no command line; by the piece that names it. */
const FINDINGS: readonly (readonly [RegExp, string])[] = [
  [/raise the limit with `ulimit[^`]*`/g, 'close other programs and start the studio again'],
  [/(an? )?(run|one) of handful \w+,? or (of )?handful \w+/g, 'a trained run'],
  [/(an? )?(run|one) of handful \w+/g, 'a trained run'],
  [/(an? )?run of --method/g, 'a run of the method'],
  [/what ("?)handful \w+\1 (wrote|has written)/g, 'what was written there'],
  [/the files that ("?)handful \w+\1 wrote/g, 'the files that were written there'],
  [
    /(an? )?(file|folder) that ("?)handful [\w -]+\3 (wrote|has written|writes)/g,
    'one that was written by the program',
  ],
  [/the images that are more than --memory/g, 'images that do not fit in memory'],
]

/** @param message `what (where): got X, expected Y; hint; more`, or a note */
export function forThePage(message: string): string {
  if (!TYPED.test(message)) return message
  const [finding, ...advice] = message.replace(/ \(handful [^)]*\)$/, '').split('; ')
  const said = advice.flatMap((clause) => {
    if (!TYPED.test(clause)) return clause
    const known = ADVICE.find(([named]) => named.test(clause))
    return known === undefined ? ELSEWHERE : (known[1] ?? [])
  })
  return [found(finding), ...new Set(said)].join('; ')
}

function found(finding: string): string {
  const words = FINDINGS.reduce((text, [named, instead]) => text.replace(named, instead), finding)
  return words
    .replace(new RegExp(`"?${COMMAND.source}"?`, 'g'), 'the program')
    .replace(new RegExp(OPTION.source, 'g'), (option) => option.slice(2).replaceAll('-', ' '))
}

/** A note or a reason: without advice that is to be typed, since it says what is so rather than what went wrong. */
export function noteForThePage(note: string): string {
  const bare = note
    .replace(/ \((?:handful (?!has\b)[a-z]|--[a-z]).*\)$/, '')
    .replace(/: --[a-z][^;]*(?=;|$)/g, '')
  return found(
    bare
      .split('; ')
      .filter((clause, k) => k === 0 || !TYPED.test(clause))
      .join('; '),
  )
}
