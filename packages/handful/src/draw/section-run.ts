/** How the run was done and how to go on: training, skipped files, settings, the exact command, next steps. */
import { lossChart } from './loss-chart.js'
import { formatCount, formatDuration } from './format.js'
import { escapeHtml, Html, html } from './html.js'
import type { Section } from './report-page.js'
import { settingsInWords } from './report-fields.js'
import type { RunReport } from './run-report.js'
import { fewSteps } from './summary.js'

const LISTED_SKIPS = 200

export function trainingSection(run: RunReport): Section | undefined {
  const { training, stages } = run
  if (training === undefined) return undefined
  const speed = training.seconds > 0 ? (training.steps * training.batch) / training.seconds : 0
  const total = stages.reduce((sum, { seconds }) => sum + seconds, 0)
  const body = html`<p>
      ${training.model}, ${formatCount(training.parameters)} parameters, trained for
      ${formatCount(training.steps)} steps of ${formatCount(training.batch)} images in
      ${formatDuration(training.seconds)} (${formatCount(Math.round(speed))} images a second).
      ${fewSteps(run)}
    </p>
    ${lossChart(training.curves)}
    ${
      stages.length === 0
        ? undefined
        : html`<details>
            <summary>Time by stage: ${formatDuration(total)} in all</summary>
            <table class="settings">
              ${stages.map(({ stage, seconds }) => settingRow(stage, formatDuration(seconds)))}
            </table>
          </details>`
    }`
  return { id: 'training', title: 'Training', body }
}

export function nextSection(run: RunReport): Section | undefined {
  if (run.next.length === 0) return undefined
  const steps = run.next.map(
    ({ command, why }) =>
      html`<li>
        ${why}
        <pre>${asIs(command)}</pre>
      </li>`,
  )
  return {
    id: 'next',
    title: 'What to do next',
    body: html`<ol class="next">
      ${steps}
    </ol>`,
  }
}

export function skippedSection(run: RunReport): Section | undefined {
  const { skipped } = run
  if (skipped.length === 0) return undefined
  const rows = skipped.slice(0, LISTED_SKIPS).map(({ path, reason }) => settingRow(path, reason))
  const rest = skipped.length - rows.length
  const body = html`<p>
      ${formatCount(skipped.length)} ${skipped.length === 1 ? 'file was' : 'files were'} left out.
    </p>
    <details open>
      <summary>List</summary>
      <table class="settings">
        ${rows}
      </table>
      ${rest > 0 ? html`<p class="soft">And ${formatCount(rest)} more.</p>` : undefined}
    </details>`
  return { id: 'skipped', title: 'Skipped files', body }
}

export function setupSection(run: RunReport): Section {
  const body = html`<p>The exact command:</p>
    <pre>${asIs(run.command)}</pre>
    <details>
      <summary>Configuration</summary>
      ${settings(run.config)}
    </details>
    <details>
      <summary>Environment</summary>
      ${settings(run.environment)}
    </details>`
  return { id: 'setup', title: 'How it was run', body }
}

function settings(values: Readonly<Record<string, unknown>>): Html {
  return html`<table class="settings">
    ${Object.entries(settingsInWords(values)).map(([name, value]) => settingRow(name, value))}
  </table>`
}

function settingRow(name: string, value: string): Html {
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${value}</td>
  </tr>`
}

/** Text that a reader copies: not one space in it is changed. */
function asIs(text: string): Html {
  return new Html(escapeHtml(text))
}
