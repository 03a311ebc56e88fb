/** What the names of classes show that could be a slip, in sentences for the user. */

import { listed } from './image-set.js'
import { splitNamed } from './split-folders.js'

/** @param labels all that are given, each once */
export const classRemarks = (labels: ReadonlySet<string>): string[] => [
  ...inCapitalsAlone(labels),
  ...severalInOne(labels),
  ...minusOne(labels),
]

/** What programs write for "no label" may be a class too. */
const minusOne = (labels: ReadonlySet<string>): string[] =>
  labels.has('-1') && [...labels].every((label) => /^(-1|\d*)$/.test(label))
    ? ['"-1" is a class as the others are: leave the field empty where an image has no label']
    : []

/** Classes that a slip of the shift key could have made two. */
function inCapitalsAlone(labels: ReadonlySet<string>): string[] {
  const alike = new Map<string, string[]>()
  for (const label of labels) {
    const own = alike.get(label.toLowerCase()) ?? []
    alike.set(label.toLowerCase(), [...own, label])
  }
  return [...alike.values()].flatMap((names) =>
    names.length < 2
      ? []
      : [`${listed(names.sort())} are ${names.length} classes that differ in capitals alone`],
  )
}

/** Labels such as `cat;dog` where `cat` is one too: several labels of one image. */
function severalInOne(labels: ReadonlySet<string>): string[] {
  const joined = [...labels].filter((label) => {
    const parts = label.split(/[;|,]/).map((part) => part.trim())
    return parts.length > 1 && parts.some((part) => part !== '' && labels.has(part))
  })
  return joined.length === 0
    ? []
    : [
        `${listed(joined.sort())} ${joined.length === 1 ? 'is a class' : 'are classes'} of its own: each image has one label`,
      ]
}

const SPLIT_WORD = {
  train: /(^|[^a-z])train(ing)?($|[^a-z])/i,
  other: /(^|[^a-z])(test(ing)?|val(id|idation)?|dev)($|[^a-z])/i,
}

/**
 * Folders that look like splits and are none.
 * @param classFolders the classes with their folders
 * @param folders all folders
 */
export function splitRemarks(
  classFolders: ReadonlyMap<string, string>,
  folders: readonly string[],
): string[] {
  const classes = [...classFolders.keys()]
  const [train, other] = [SPLIT_WORD.train, SPLIT_WORD.other].map((word) =>
    classes.filter((name) => word.test(name) && splitNamed(name) === undefined),
  )
  if (train.length > 0 && other.length > 0)
    return [`${listed([...train, ...other])} are taken for classes; splits are called train/ and test/`]
  const inner = [...classFolders.values()].map((folder) =>
    folders.filter((path) => path.startsWith(`${folder}/`) && path.indexOf('/', folder.length + 1) < 0),
  )
  const split = (paths: readonly string[], wanted: 'train' | 'test'): string | undefined =>
    paths.find((path) => splitNamed(path.slice(path.lastIndexOf('/') + 1)) === wanted)
  const [first] = inner.flatMap((paths) => {
    const [own, held] = [split(paths, 'train'), split(paths, 'test')]
    return own === undefined || held === undefined ? [] : [[own, held]]
  })
  return first === undefined || inner.some((paths) => split(paths, 'test') === undefined)
    ? []
    : [
        `${listed(first)} lie inside a class and are no splits: all images are learned from; test/<class> at the top holds images back`,
      ]
}
