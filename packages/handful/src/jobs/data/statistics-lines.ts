/** The statistics of a data set as lines of text. */
import type { DataStatistics } from '../../data/image-statistics.js'
import { printable } from '../../errors.js'
import { formatCount } from '../../draw/format.js'

/** Classes and sizes that are named; the rest is a number. */
const NAMED_CLASSES = 30
const NAMED_SIZES = 3
const TERM_COLUMNS = 14

export function statisticsLines(statistics: DataStatistics): string[] {
  const { images, classes, labelled, channels, mean, deviation, side, skipped } = statistics
  const row = (term: string, text: string): string => `${term.padEnd(TERM_COLUMNS)}${text}`
  const split = images.test === 0 ? '' : ` for training, ${formatCount(images.test)} held out for scoring`
  const numbers = (values: readonly number[]): string => values.map((value) => value.toFixed(4)).join('  ')
  return [
    row('Images', `${formatCount(images.train)}${split}`),
    row('Labels', labelLine(labelled, images.train, classes.length)),
    ...classLines(classes),
    row('Sizes', sizeLine(statistics)),
    row('Channels', channelLine(statistics)),
    row('Mean', `${numbers(mean)}  ${channels === 3 ? '(red green blue, ' : '('}0 to 1, at ${side}x${side})`),
    row('Deviation', numbers(deviation)),
    ...duplicateLines(statistics).map((line, index) => row(index === 0 ? 'Copies' : '', line)),
    row('Unreadable', skipped.length === 0 ? 'none' : `${formatCount(skipped.length)} files`),
  ]
}

function labelLine(labelled: number, images: number, classes: number): string {
  if (labelled === 0) return 'none'
  const named = `${formatCount(classes)} ${classes === 1 ? 'class' : 'classes'}`
  return labelled === images ? `all, of ${named}` : `${formatCount(labelled)} of ${named}`
}

function classLines(classes: DataStatistics['classes']): string[] {
  const width = Math.max(0, ...classes.slice(0, NAMED_CLASSES).map(({ name }) => printable(name).length))
  const lines = classes
    .slice(0, NAMED_CLASSES)
    .map(({ name, images }) => `  ${printable(name).padEnd(width)}  ${formatCount(images)}`)
  const rest = classes.slice(NAMED_CLASSES).map(({ images }) => images)
  if (rest.length === 0) return lines
  const [low, high] = [Math.min(...rest), Math.max(...rest)].map(formatCount)
  const each = low === high ? `${low} each` : `${low} to ${high} each`
  return [...lines, `  and ${formatCount(rest.length)} more of ${each}`]
}

function sizeLine({ sizes }: DataStatistics): string {
  const name = ({ width, height }: DataStatistics['sizes'][number]): string => `${width}x${height}`
  if (sizes.length === 1) return `all ${name(sizes[0])}`
  const sides = sizes.flatMap(({ width, height }) => [width, height])
  const shown = sizes.slice(0, NAMED_SIZES).map((size) => `${name(size)} (${formatCount(size.images)})`)
  const range = `sides of ${Math.min(...sides)} to ${Math.max(...sides)} pixels`
  return `${formatCount(sizes.length)} different, ${range}, most often ${shown.join(', ')}`
}

function channelLine({ channels, greyImages }: DataStatistics): string {
  if (channels === 1) return '1, all images are grey'
  return greyImages === 0 ? '3' : `3, but ${formatCount(greyImages)} images are grey`
}

function duplicateLines({ duplicates }: DataStatistics): string[] {
  const { copies, groups, acrossSplits, withSeveralLabels, examples } = duplicates
  if (copies === 0) return ['none']
  const several = [
    acrossSplits === 0 ? [] : `${formatCount(acrossSplits)} with images of both splits`,
    withSeveralLabels === 0 ? [] : `${formatCount(withSeveralLabels)} with several labels`,
  ].flat()
  const first = `${formatCount(copies)} images equal another one, in ${formatCount(groups)} groups`
  return [
    several.length === 0 ? first : `${first}, ${several.join(' and ')}`,
    ...examples.map((paths) => `  ${paths.map(printable).join(' = ')}`),
  ]
}
