/** The report's answer to "how far can I trust it": headline, all classifiers beside each other, and class by class. */
import { intervalPlot, intervalScale } from './interval-plot.js'
import { formatCount, formatPercent } from './format.js'
import { html, type Html } from './html.js'
import type { Section } from './report-page.js'
import { wilsonInterval, type Estimate } from '../numerics/statistics.js'
import {
  accuracyInWords,
  baselinesOf,
  canJudge,
  checkedOn,
  chosenResult,
  estimateOf,
  formatAccuracy,
  labelsPerClass,
} from './summary.js'
import type { Result, RunReport } from './run-report.js'

/** Up to so many classes the confusion matrix is drawn; above, only the commonest confusions are listed. */
const MATRIX_CLASSES = 20
const LISTED_CONFUSIONS = 15

/** The first thing to read: the result, or why there is none. */
export function headline(run: RunReport): Html {
  const chosen = chosenResult(run)
  const labels = labelsPerClass(run.dataset.labelled)
  const notes = run.notes.map((note) => html`<p class="note">${note}</p>`)
  if (chosen === undefined || !canJudge(run)) {
    return html`<div class="headline">
        <div class="figure words">Too few labels to judge</div>
        <div>
          <p class="what">The classifier was fitted with ${labels}, and predicts every image.</p>
          <ul>
            <li>
              How often it is right can't be told from so few: that takes at least 3 labelled images of each
              class.
            </li>
            <li>Look through the predictions below, correct what is wrong, and run it again.</li>
          </ul>
        </div>
      </div>
      ${notes}`
  }
  const estimate = estimateOf(run, chosen)
  const interval = `95 % interval ${formatPercent(estimate.low)} to ${formatPercent(estimate.high)}`
  const isTestSet = run.evaluation.kind === 'test set'
  const draws = chosen.accuracies.length
  const figure = isTestSet
    ? html`${(estimate.mean * 100).toFixed(1)}<small> %</small>`
    : html`${Math.floor(estimate.low * 100)}–${Math.ceil(estimate.high * 100)}<small> %</small>`
  const what = isTestSet
    ? `of ${formatCount(run.evaluation.images)} test images recognised, from ${labels}`
    : `of images recognised, as far as ${labels} can tell`
  const how = isTestSet
    ? `${interval}${draws > 1 ? `, over ${draws} draws of the labelled images` : ''}.`
    : `${accuracyInWords(run, chosen)}; ${interval}.`
  return html`<div class="headline">
      <div class="figure">${figure}</div>
      <div>
        <p class="what">${what}</p>
        <ul>
          <li>${how}</li>
          ${comparison(run, chosen, estimate).map((line) => html`<li>${line}</li>`)}
        </ul>
      </div>
    </div>
    ${notes}`
}

/** What the same money buys without learning features, said either way. */
function comparison(run: RunReport, chosen: Result, estimate: Estimate): string[] {
  const { same, best } = baselinesOf(run, chosen)
  if (best === undefined) return []
  const lines: string[] = []
  const say = (baseline: Result, name: string): string => {
    const other = estimateOf(run, baseline)
    const points = (estimate.mean - other.mean) * 100
    const amount = Math.abs(points).toFixed(1)
    const verdict =
      points >= 0.05 ? `${amount} points less` : points <= -0.05 ? `${amount} points more` : 'no difference'
    return `${name}: ${formatAccuracy(run, baseline)}, ${verdict}.`
  }
  if (same !== undefined) lines.push(say(same, `The same classifier on ${same.features}`))
  if (best !== same) lines.push(say(best, `The best baseline, ${best.head} on ${best.features}`))
  if (estimateOf(run, best).mean > estimate.mean) {
    lines.push('The learned features are no gain here: train longer, or use the baseline.')
  }
  return lines
}

export function accuracySection(run: RunReport): Section | undefined {
  if (run.results.length === 0 || run.evaluation.kind === 'none') return undefined
  const chance = 1 / run.dataset.classes.length
  const rows = [...run.results].sort((a, b) => Number(a.baseline) - Number(b.baseline))
  const drawn = Math.max(...rows.map((row) => row.accuracies.length))
  const judged = canJudge(run)
  const body = html`<p>
      Share of right answers on
      ${checkedOn(run)}${drawn > 1 ? `: mean over ${drawn} draws of the labelled images` : ''}, with its 95 %
      interval. The dashed line is guessing (${formatPercent(chance)}).
      ${judged ? '' : 'With fewer than 3 labels in a class these figures say next to nothing.'}
    </p>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>Features</th>
            <th>Classifier</th>
            <th class="number">Accuracy</th>
            <th class="number">95 % interval</th>
            <th>${intervalScale()}</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((row) => resultRow(run, row, chance))}
        </tbody>
      </table>
    </div>
    ${publishedTable(run)}`
  return { id: 'accuracy', title: 'Accuracy', body }
}

function resultRow(run: RunReport, row: Result, chance: number): Html {
  const estimate = estimateOf(run, row)
  const kind = row.baseline ? 'baseline' : 'learned'
  return html`<tr class="${row.chosen ? 'chosen' : ''}">
    <td class="${kind}-name">${row.features}</td>
    <td>${row.head}${row.chosen ? html`<span class="tag">used</span>` : undefined}</td>
    <td class="number">${formatAccuracy(run, row)}</td>
    <td class="number">${formatPercent(estimate.low)} to ${formatPercent(estimate.high)}</td>
    <td>${intervalPlot(estimate, chance, kind)}</td>
  </tr>`
}

function publishedTable(run: RunReport): Html | undefined {
  if (run.published.length === 0) return undefined
  const rows = run.published.map(
    ({ what, accuracy, source }) =>
      html`<tr>
        <td>${what}</td>
        <td class="number">${formatPercent(accuracy)}</td>
        <td class="soft">${source}</td>
      </tr>`,
  )
  return html`<h3>Published, for scale</h3>
    <table class="narrow">
      ${rows}
    </table>`
}

export function classSection(run: RunReport): Section | undefined {
  const { confusion, dataset } = run
  if (confusion === undefined || !canJudge(run)) return undefined
  const drawn = chosenResult(run)?.accuracies.length ?? 1
  const rows = dataset.classes.map((name, index) => classRow(run, confusion, name, index))
  const matrix = dataset.classes.length <= MATRIX_CLASSES ? confusionMatrix(run, confusion) : undefined
  const body = html`<p>
      Of the images of each class, how many were recognised${drawn > 1 ? `, over ${drawn} draws` : ''}.
    </p>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>Class</th>
            <th class="number">Labels</th>
            <th class="number">Checked</th>
            <th class="number">Recognised</th>
            <th class="number">95 % interval</th>
            <th></th>
            <th>Most often taken for</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    ${matrix ?? confusionList(dataset.classes, confusion)}`
  return { id: 'classes', title: 'Class by class', body }
}

function classRow(
  run: RunReport,
  confusion: readonly (readonly number[])[],
  name: string,
  index: number,
): Html {
  const counts = confusion[index] ?? []
  const total = sum(counts)
  const share = total === 0 ? 0 : (counts[index] ?? 0) / total
  const wrong = counts.map((count, other) => ({ count, other })).filter(({ other }) => other !== index)
  const [worst] = wrong.sort((a, b) => b.count - a.count)
  const taken =
    worst === undefined || worst.count === 0
      ? 'none other'
      : `${run.dataset.classes[worst.other]} (${formatPercent(worst.count / total)})`
  // Draws share their test images, so their number is no measure of how sure the share is.
  const checked = total / Math.max(1, chosenResult(run)?.accuracies.length ?? 1)
  const { low, high } = wilsonInterval(share, checked)
  const few = run.evaluation.kind !== 'test set'
  const recognised = few ? `${counts[index] ?? 0} of ${total}` : formatPercent(share)
  return html`<tr>
    <td>${name}</td>
    <td class="number">${formatCount(run.dataset.labelled[index] ?? 0)}</td>
    <td class="number">${formatCount(checked)}</td>
    <td class="number">${total === 0 ? '–' : recognised}</td>
    <td class="number soft">
      ${total === 0 ? '' : `${wholePercent(low, Math.floor)} to ${wholePercent(high, Math.ceil)}`}
    </td>
    <td>
      <span class="bar"><i style="width:${(share * 100).toFixed(1)}%"></i></span>
    </td>
    <td class="soft">${taken}</td>
  </tr>`
}

function confusionMatrix(run: RunReport, confusion: readonly (readonly number[])[]): Html {
  const { classes } = run.dataset
  const few = run.evaluation.kind !== 'test set'
  const rows = classes.map((name, index) => {
    const total = Math.max(1, sum(confusion[index] ?? []))
    const cells = classes.map((other, column) => {
      const count = confusion[index]?.[column] ?? 0
      const share = count / total
      const kinds = [column === index ? 'right' : '', share > 0.55 ? 'dense' : ''].join(' ').trim()
      const title = `${name} taken for ${other}: ${few ? `${count} of ${total}` : formatPercent(share)}`
      const percent = share < 0.005 ? '·' : (share * 100).toFixed(0)
      const shown = few ? String(count) : percent
      const text = count === 0 ? '' : shown
      return html`<td class="${kinds}" style="--share:${Math.sqrt(share).toFixed(3)}" title="${title}">
        ${text}
      </td>`
    })
    return html`<tr>
      <th scope="row">${name}</th>
      ${cells}
    </tr>`
  })
  return html`<h3>Confusions</h3>
    <p class="soft">
      Each row is a true class, each column what it was taken for,
      ${few ? 'in images' : 'in per cent of the row'}. The outlined diagonal is right.
    </p>
    <div class="wide">
      <table class="confusion">
        <tr>
          <td style="--share:0"></td>
          ${classes.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
        ${rows}
      </table>
    </div>`
}

function confusionList(classes: readonly string[], confusion: readonly (readonly number[])[]): Html {
  const all = classes.flatMap((name, index) => {
    const total = Math.max(1, sum(confusion[index] ?? []))
    return classes.flatMap((other, column) =>
      column === index ? [] : [{ name, other, share: (confusion[index]?.[column] ?? 0) / total }],
    )
  })
  const worst = all
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share)
    .slice(0, LISTED_CONFUSIONS)
  return html`<h3>The commonest confusions</h3>
    <table class="narrow">
      ${worst.map(
        ({ name, other, share }) =>
          html`<tr>
            <td>${name}</td>
            <td>taken for ${other}</td>
            <td class="number">${formatPercent(share)}</td>
          </tr>`,
      )}
    </table>`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function wholePercent(share: number, round: (value: number) => number): string {
  return `${round(share * 100)} %`
}
