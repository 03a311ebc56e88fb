/**
 * A study as array jobs of Slurm: each task does one stage, `handful worker --stage`. Stages that come after the same ones and
 * need the same make one array, which begins when those ended well; a last job writes the report. The script is run on a
 * machine that submits, and prints what it has submitted.
 */
import { shellWord } from '../errors/shell.js'
import type { PlanEntry } from './plan-file.js'
import { queueName } from './needs.js'

/** Tasks of an array; Slurm's own limit unless a cluster has another. */
const MOST_TASKS = 1000
const TRIES = 3
/** Of what is expected, and beside it: estimates are of other machines. */
const TIME_FACTOR = 4
const TIME_MARGIN_SECONDS = 15 * 60

export interface SlurmScript {
  readonly stages: readonly PlanEntry[]
  /** Absolute, of the store and the study in it. */
  readonly store: string
  readonly folder: string
  /** How handful is called there, as words. */
  readonly handful: readonly string[]
}

interface ArrayJob {
  readonly name: string
  readonly stages: readonly PlanEntry[]
  readonly after: readonly string[]
}

export function slurmScript({ stages, store, folder, handful }: SlurmScript): string {
  const arrays = arraysOf(stages)
  const place = new Map(
    arrays.flatMap(({ name, stages: own }) =>
      own.map(({ key }, task) => [key, `\${${name}}_${task}`] as const),
    ),
  )
  const lines = arrays.flatMap(({ name, stages: own, after }) => submission(name, own, after, place))
  const threads = Math.max(1, ...stages.map(({ needs }) => needs.threads))
  const all = arrays.map(({ name }) => `\${${name}}`)
  const report = [
    ...['--parsable', '--job-name=handful-report', `--cpus-per-task=${threads}`],
    ...(all.length === 0 ? [] : [`--dependency=afterany:${all.join(':')}`]),
    `--output="$logs/%x-%j.txt"`,
  ]
  return `#!/usr/bin/env bash
# ${stages.length} stages of a study as array jobs, each task one stage; run it where sbatch is.
# Partition, account and the like: SBATCH_PARTITION, SBATCH_ACCOUNT and so on, as sbatch reads them.
set -euo pipefail

handful=(${handful.map(shellWord).join(' ')})
store=${shellWord(store)}
study=${shellWord(folder)}
logs="$study/slurm"

if [[ "\${1-}" == task ]]; then
  # A stage that fails is tried ${TRIES} times; it goes on at its last checkpoint.
  shift
  keys=("$@")
  key="\${keys[$SLURM_ARRAY_TASK_ID]}"
  for try in $(seq ${TRIES}); do
    if "\${handful[@]}" worker --store "$store" --study "$study" --stage "$key"; then exit 0; fi
    echo "try $try of ${TRIES} failed" >&2
  done
  exit 1
fi

if [[ "\${1-}" == report ]]; then
  # What failed is tried once more here.
  exec "\${handful[@]}" study --resume "$study"
fi

self="$(realpath "\${BASH_SOURCE[0]}")"
mkdir -p "$logs"

${lines.join('\n')}
report=$(sbatch ${report.join(' ')} "$self" report)
echo "${arrays.length} arrays of ${stages.length} stages, report: $report"
`
}

/** Stages to do that have the same ones before them and the same needs. */
function arraysOf(stages: readonly PlanEntry[]): ArrayJob[] {
  const toDo = new Set(stages.map(({ key }) => key))
  const groups = new Map<string, { stages: PlanEntry[]; after: readonly string[] }>()
  for (const stage of stages) {
    const after = stage.after.filter((key) => toDo.has(key)).sort()
    const name = JSON.stringify([after, queueName(stage.needs), stage.kind])
    const group = groups.get(name) ?? { stages: [], after }
    group.stages.push(stage)
    groups.set(name, group)
  }
  const chunks = [...groups.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.stages.length / MOST_TASKS) }, (_, chunk) => ({
      after: group.after,
      stages: group.stages.slice(chunk * MOST_TASKS, (chunk + 1) * MOST_TASKS),
    })),
  )
  return inOrderOfNeeds(chunks).map((chunk, i) => ({ name: `array${i + 1}`, ...chunk }))
}

type Chunk = Omit<ArrayJob, 'name'>

/** An array is submitted when the numbers of those before it are known. */
function inOrderOfNeeds(chunks: readonly Chunk[]): Chunk[] {
  const ordered: Chunk[] = []
  const known = new Set<string>()
  let rest = [...chunks]
  while (rest.length > 0) {
    const next = rest.filter(({ after }) => after.every((key) => known.has(key)))
    if (next.length === 0) throw new Error('internal: slurmScript: got stages that need each other')
    next.forEach((chunk) => chunk.stages.forEach(({ key }) => known.add(key)))
    ordered.push(...next)
    rest = rest.filter((chunk) => !next.includes(chunk))
  }
  return ordered
}

function submission(
  name: string,
  stages: readonly PlanEntry[],
  after: readonly string[],
  place: ReadonlyMap<string, string>,
): string[] {
  const [{ kind, needs }] = stages
  const longest = Math.max(...stages.map(({ seconds }) => seconds))
  const minutes = Math.ceil((TIME_FACTOR * longest + TIME_MARGIN_SECONDS) / 60)
  const options = [
    '--parsable',
    `--job-name=handful-${kind}`,
    `--array=0-${stages.length - 1}`,
    `--cpus-per-task=${needs.threads}`,
    `--mem=${Math.ceil(needs.memoryBytes / 2 ** 20)}M`,
    `--time=${minutes}`,
    ...(needs.device === 'cpu' ? [] : ['--gres=gpu:1']),
    ...(after.length === 0
      ? []
      : [
          `--dependency=afterok:${after.map((key) => place.get(key)).join(':')}`,
          '--kill-on-invalid-dep=yes',
        ]),
    '--requeue',
    `--output="$logs/%x-%A-%a.txt"`,
  ]
  return [
    `${name}=$(sbatch ${options.join(' ')} "$self" task \\`,
    ...stages.map(({ key }, i) => `  ${key}${i === stages.length - 1 ? ')' : ' \\'}`),
    ...stages.map(({ name: stage }, i) => `#   ${i}: ${stage}`),
  ]
}
