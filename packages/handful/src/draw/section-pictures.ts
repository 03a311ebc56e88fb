/** What the report shows of the images: what was labelled, what was predicted, what the model makes of them. */
import { formatCount, formatPercent, formatProbability } from './format.js'
import { html, type Html } from './html.js'
import type { Section } from './report-page.js'
import type { Picture, RunReport } from './run-report.js'

/** Classes that are shown at once; the others are folded away. */
const OPEN_CLASSES = 20

export function labelledSection(run: RunReport): Section | undefined {
  const { classes } = run.dataset
  if (run.labelledExamples.every((examples) => examples.length === 0)) return undefined
  const rows = classes.map((name, index) => {
    const pictures = (run.labelledExamples[index] ?? []).map(({ image, path }) => bare(image, path ?? name))
    return html`<div class="labelled">
      <b>${name}</b>
      <div class="pictures">${pictures}</div>
    </div>`
  })
  const body = html`<p>All that the classifier was told${more(run)}.</p>
    ${folded(rows, (shown) => html`<div class="classes">${shown}</div>`)}`
  return { id: 'labelled', title: 'The labelled images', body }
}

function more(run: RunReport): string {
  const shown = run.labelledExamples.reduce((sum, examples) => sum + examples.length, 0)
  const all = run.dataset.labelled.reduce((sum, labelled) => sum + labelled, 0)
  return shown < all ? `: ${formatCount(shown)} of ${formatCount(all)} labelled images` : ''
}

export function predictionSection(run: RunReport): Section | undefined {
  if (run.predictions.every(({ count }) => count === 0)) return undefined
  const total = run.predictions.reduce((sum, { count }) => sum + count, 0)
  const cards = run.dataset.classes.map((name, index) => {
    const prediction = run.predictions[index]
    if (prediction === undefined) return html``
    const share = total === 0 ? 0 : prediction.count / total
    return html`<div class="class">
      <h3>${name}<span>${formatCount(prediction.count)} images, ${formatPercent(share)}</span></h3>
      ${strip('Most certain', prediction.mostCertain)} ${strip('Least certain', prediction.leastCertain)}
    </div>`
  })
  const body = html`<p>
      The ${formatCount(total)} unlabelled images by predicted class, with the probability that the classifier
      gives. Mistakes gather among the least certain: labelling some of them helps most. All predictions stand
      in predictions.csv.
    </p>
    ${folded(cards, (shown) => html`<div class="classes">${shown}</div>`)}`
  return { id: 'predictions', title: 'Predictions', body }
}

/** Images without a label that look like none of the classes. */
export function unlikeSection({ unlike }: RunReport): Section | undefined {
  if (unlike === undefined || unlike.count === 0) return undefined
  const { count, images, threshold, examples } = unlike
  const usual = formatPercent(1 - threshold)
  const body = html`<p>
      ${formatCount(count)} of ${formatCount(images)} unlabelled images (${formatPercent(count / images)})
      look less like the labelled ones than all but ${usual} of images of these classes would: where they are
      many more than ${usual}, images of other kinds are among them. Those that are most so, with the
      probability of the class they were given; predictions.csv has the score of each in its column “unlike”.
    </p>
    <div class="pictures">${examples.map(captioned)}</div>`
  return { id: 'unlike', title: 'None of these?', body }
}

function strip(title: string, pictures: readonly Picture[]): Html | undefined {
  if (pictures.length === 0) return undefined
  return html`<p class="caption">${title}</p>
    <div class="pictures">${pictures.map(captioned)}</div>`
}

function captioned(picture: Picture): Html {
  const probability = picture.probability === undefined ? '' : formatProbability(picture.probability)
  const facts = [
    picture.path,
    picture.predicted === undefined ? '' : `predicted ${picture.predicted}`,
    probability,
  ]
  const name = facts.filter((fact) => fact !== undefined && fact !== '').join(', ')
  return html`<figure title="${name}">
    ${bare(picture.image, name)}
    <figcaption>${probability}</figcaption>
  </figure>`
}

export function generationSection(run: RunReport): Section | undefined {
  if (run.alike.length > 0) return alikeSection(run)
  if (run.reconstructions.length === 0 && run.samples.length === 0) return undefined
  const reconstructions = html`<h3>Reconstructions</h3>
    <p class="soft">Above an image, below what the model keeps of it.</p>
    <div class="sheet pairs">
      ${run.reconstructions.map(
        ({ input, output }) =>
          html`<div class="pair">${bare(input, 'image')}${bare(output, 'reconstruction')}</div>`,
      )}
    </div>`
  const samples = html`<h3>Samples</h3>
    <p class="soft">Drawn by the model out of noise.</p>
    <div class="sheet">${run.samples.map((image) => bare(image, 'generated sample'))}</div>`
  const body = html`<p>
      The features come from a model that learned, without any label, to make such images. If its pictures
      look like the data, it has seen what matters in them.
    </p>
    <div class="two">
      ${run.reconstructions.length > 0 ? html`<div>${reconstructions}</div>` : undefined}
      ${run.samples.length > 0 ? html`<div>${samples}</div>` : undefined}
    </div>`
  return { id: 'model', title: 'What the model has learned', body }
}

function alikeSection({ alike }: RunReport): Section {
  const row = ([image, ...others]: readonly string[]): Html =>
    html`<div class="alike">
      ${bare(image, 'image')}${others.map((other) => bare(other, 'image that is alike to the model'))}
    </div>`
  const body = html`<p>
      The features come from a model that learned, without any label, which images are alike. On the left an
      image, beside it those of some others that are most like it to the model. If they are of its kind, it
      has seen what matters in them.
    </p>
    <div class="alike-rows">${alike.map(row)}</div>`
  return { id: 'model', title: 'What the model takes for alike', body }
}

function bare(image: string, name: string): Html {
  return html`<img class="picture" src="${image}" alt="${name}" loading="lazy" />`
}

function folded(items: readonly Html[], layOut: (shown: readonly Html[]) => Html): Html {
  const rest = items.slice(OPEN_CLASSES)
  if (rest.length === 0) return layOut(items)
  return html`${layOut(items.slice(0, OPEN_CLASSES))}
    <details>
      <summary>${formatCount(rest.length)} more classes</summary>
      ${layOut(rest)}
    </details>`
}
