/** Made-up features: kinds as clouds on a plane, and what would follow from labels on them. */
import type { Asked, MapView, Results, Suggestion } from '../../handful/src/studio/protocol.js'
import { kindOf, KINDS } from './images.js'
import { normal, stream } from './random.js'

export interface Guess {
  readonly classes: Int32Array
  readonly probabilities: Float64Array
}

export function fakeMap(images: number): MapView {
  const random = stream(99)
  const positions: number[] = []
  const clusters: number[] = []
  const centres = KINDS.map((_, k) => {
    const angle = (k / KINDS.length) * 2 * Math.PI + 0.3
    const reach = k % 2 === 0 ? 0.62 : 0.4
    return [reach * Math.cos(angle), reach * Math.sin(angle)]
  })
  for (let image = 0; image < images; image++) {
    const kind = kindOf(image)
    const stray = random() < 0.06
    const bend = normal(random)
    const [x, y] = stray ? [0, 0] : centres[kind]
    const spread = stray ? 0.3 : 0.075 + 0.012 * kind
    positions.push(
      Math.max(-1, Math.min(1, x + spread * bend)),
      Math.max(-1, Math.min(1, y + spread * (normal(random) + 0.35 * bend * bend))),
    )
    clusters.push(kind)
  }
  const typical = KINDS.map((_, k) => {
    let best = 0
    let nearest = Infinity
    for (let image = 0; image < images; image++) {
      const distance = Math.hypot(
        positions[2 * image] - centres[k][0],
        positions[2 * image + 1] - centres[k][1],
      )
      if (clusters[image] === k && distance < nearest) [best, nearest] = [image, distance]
    }
    return best
  })
  return { positions, clusters, typical }
}

/** Each kind goes to the label most of its labelled images have; surer near the middle of its cloud. */
export function fakePredictions(labels: Int32Array, map: MapView): Guess {
  const classes = new Int32Array(labels.length).fill(-1)
  const probabilities = new Float64Array(labels.length)
  const votes = KINDS.map(() => new Map<number, number>())
  let any = -1
  labels.forEach((label, image) => {
    if (label < 0) return
    const kind = kindOf(image)
    votes[kind].set(label, (votes[kind].get(label) ?? 0) + 1)
    any = label
  })
  if (any === -1) return { classes, probabilities }
  const winners = votes.map((counts) => [...counts].sort((a, b) => b[1] - a[1])[0]?.[0])
  const random = stream(5)
  for (let image = 0; image < labels.length; image++) {
    const kind = kindOf(image)
    const middle = map.typical[kind]
    const distance = Math.hypot(
      map.positions[2 * image] - map.positions[2 * middle],
      map.positions[2 * image + 1] - map.positions[2 * middle + 1],
    )
    classes[image] = winners[kind] ?? any
    const sure = (winners[kind] === undefined ? 0.4 : 0.99) - distance * 1.4 - 0.08 * random()
    probabilities[image] = Math.round(1000 * Math.max(0.3, Math.min(0.995, sure))) / 1000
  }
  return { classes, probabilities }
}

export function suggestions(
  { count, kind = 'next', except = [] }: Asked<'suggest'>,
  labels: Int32Array,
  guess: Guess,
  map: MapView,
  classes: readonly { id: number; name: string }[],
): Suggestion[] {
  const left = new Set(except)
  const name = (id: number) => classes.find((entry) => entry.id === id)?.name ?? 'another'
  const open = [...labels.keys()].filter((image) => labels[image] === -1 && !left.has(image))
  if (kind === 'audit') {
    // In one order, whatever was labelled meanwhile.
    const random = stream(1)
    const places = Array.from(labels, () => random())
    return open
      .map((image) => ({ image, at: places[image] }))
      .sort((a, b) => a.at - b.at)
      .slice(0, count)
      .map(({ image }) => ({ image, why: 'drawn at random' }))
  }
  const told = (image: number) => (guess.classes[image] === -1 ? {} : { label: guess.classes[image], probability: guess.probabilities[image] }) // prettier-ignore
  if (kind === 'check')
    return [...labels.keys()]
      .filter((image) => labels[image] >= 0 && !left.has(image))
      .sort((a, b) => guess.probabilities[a] - guess.probabilities[b])
      .slice(0, Math.min(count, 12))
      .map((image) => ({ image, ...told(image), why: `its neighbours are ${name(guess.classes[image])}` }))
  const typical = map.typical.filter((image) => labels[image] === -1 && !left.has(image))
  const rest = open
    .filter((image) => !typical.includes(image))
    .sort(
      (a, b) =>
        guess.probabilities[a] - guess.probabilities[b] || ((a * 7919) % 104729) - ((b * 7919) % 104729),
    )
  return [...typical, ...rest].slice(0, count).map((image, k) => ({
    image,
    ...told(image),
    why:
      k < typical.length
        ? `the typical image of a group of ${map.clusters.filter((c) => c === map.clusters[image]).length}`
        : guess.classes[image] === -1
          ? 'unlike all that is labelled'
          : `between ${name(guess.classes[image])} and ${name((guess.classes[image] + 1) % Math.max(1, classes.length))}`,
  }))
}

export function fakeResults(
  revision: number,
  labels: Int32Array,
  guess: Guess,
  classes: readonly { id: number }[],
): Results {
  const ids = classes.map(({ id }) => id)
  const cells: Record<string, number[]> = {}
  const confusion = ids.map(() => ids.map(() => 0))
  const random = stream(3)
  let labelled = 0
  labels.forEach((label, image) => {
    if (label < 0) return
    labelled++
    const row = ids.indexOf(label)
    let column = ids.indexOf(guess.classes[image])
    if (random() < 0.13) column = Math.floor(random() * ids.length)
    if (row < 0 || column < 0) return
    confusion[row][column]++
    const key = `${ids[row]},${ids[column]}`
    cells[key] = [...(cells[key] ?? []), image]
  })
  return {
    revision,
    confusion,
    classes: ids,
    cells,
    reliability: Array.from({ length: 8 }, (_, k) => ({
      confidence: 0.3 + k * 0.095,
      accuracy: Math.min(1, 0.26 + k * 0.1 + 0.03 * Math.sin(k * 2)),
      count: 10 + k * k * 4,
    })),
    history: Array.from({ length: Math.min(40, Math.floor(labelled / 5)) }, (_, k) => ({
      labels: (k + 1) * 5,
      accuracy: 0.88 - 0.6 * Math.exp(-k / 6) + 0.012 * Math.sin(k * 1.7),
    })),
  }
}
