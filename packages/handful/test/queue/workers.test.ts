/** `handful study` and `handful worker` as a user starts them, in processes of their own, and Slurm's script. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../data/support.js'
import { runStudy } from '../../src/study/run-study.js'
import { NO_SECTIONS, tiny, watched } from '../study/study-support.js'
import { freePort, hasRedis, REDIS_NEEDED, startRedis } from './redis-under-test.js'
import { ownFolder, removeFolders } from './support.js'

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const PASSWORD = 'geheim-4711'

interface Ended {
  readonly code: number | null
  readonly output: string
}

function handful(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [CLI, ...args], { env: { ...process.env, ...environment } })
  let output = ''
  child.stdout.on('data', (text) => (output += String(text)))
  child.stderr.on('data', (text) => (output += String(text)))
  const ended = once(child, 'exit').then(([code]): Ended => ({ code: code as number | null, output }))
  return { child, ended }
}

const SMALL = { latent: 3, width: 4, hidden: 8, batch: 8 }
const study = {
  methods: ['pixels', 'pca', 'vae', 'pixels+pca'],
  models: { vae: { steps: 3, set: SMALL } },
  heads: ['prototypes' as const],
}

/** As `study` and `tiny` say it. */
function configFile(folder: string, more: object = {}): string {
  const file = path.join(folder, 'study.yaml')
  const sizes = {
    count: 200,
    testCount: 100,
    draws: 2,
    components: 16,
    labels: [1, 2],
    sections: NO_SECTIONS,
  }
  writeFileSync(file, JSON.stringify({ dataset: 'strokes', ...sizes, ...study, ...more }))
  return file
}

/** What stages gave, by their file, but for times; and trained weights. */
function results(folder: string): Record<string, unknown> {
  const stages = path.join(folder, 'stages')
  const found: [string, unknown][] = readdirSync(stages).map((name) => {
    const { result } = JSON.parse(readFileSync(path.join(stages, name), 'utf8')) as { result: object }
    const { seconds: _seconds, imagesPerSecond: _rate, ...rest } = result as Record<string, unknown>
    return [name, rest]
  })
  const models = path.join(folder, 'models')
  for (const name of readdirSync(models))
    found.push([name, readFileSync(path.join(models, name, 'model/weights.safetensors')).toString('base64')])
  for (const name of readdirSync(path.join(folder, 'features')))
    found.push([name, readFileSync(path.join(folder, 'features', name)).toString('base64')])
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** A server that wants a password and TLS, where certificates can be made. */
async function secureRedis(folder: string) {
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'certificate.pem')]
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate],
  ])
  const password = ['--requirepass', PASSWORD]
  if (made.status !== 0) {
    const redis = await startRedis(folder, password)
    const url = redis.url.replace('//', `//:${PASSWORD}@`)
    return { redis, url, shown: redis.url, environment: {} }
  }
  const port = await freePort()
  const tls = [
    ...['--tls-port', String(port), '--tls-cert-file', certificate, '--tls-key-file', key],
    ...['--tls-auth-clients', 'no', ...password],
  ]
  const redis = await startRedis(folder, tls)
  const environment = { NODE_EXTRA_CA_CERTS: certificate }
  const shown = `rediss://localhost:${port}`
  return { redis, url: shown.replace('//', `//:${PASSWORD}@`), shown, environment }
}

describe.skipIf(!hasRedis)(`workers${REDIS_NEEDED}`, () => {
  afterAll(removeFolders)

  test('of one thread find what one process finds, bit for bit, by a queue with password and TLS', async () => {
    const folder = ownFolder()
    const store = path.join(folder, 'store')
    const { redis, url, shown, environment } = await secureRedis(folder)
    const place = ['--queue', url, '--store', store]
    const workers = Array.from({ length: 4 }, () =>
      handful(['worker', ...place, '--threads', '1', '--memory', '2G'], environment),
    )
    try {
      const args = ['study', '--config', configFile(folder), ...place, '--progress', 'json']
      const planner = await handful(args, environment).ended
      expect(planner.output).toContain('pixels')
      expect(planner.code).toBe(0)
      const status = await handful(['study', 'strokes', ...place, '--status', '--json'], environment).ended
      expect(JSON.parse(status.output)).toMatchObject({
        ...{ stages: 15, done: 15, running: [], failed: [] },
        best: expect.stringMatching(/^8 of 8 cells, best 1: /),
      })
      const { workers: known } = JSON.parse(status.output) as { workers: { offer: object }[] }
      expect(known.map(({ offer }) => offer)).toEqual(
        Array.from({ length: 4 }, () => ({ threads: 1, memoryBytes: 2 ** 31, device: 'cpu' })),
      )
      const wrong = await handful(
        ['worker', '--queue', url.replace('geheim', 'falsch'), '--store', store],
        environment,
      ).ended
      expect(wrong.output).toContain(`queue (${shown}): got a refused login`)
      workers.forEach(({ child }) => child.kill('SIGINT'))
      const ended = await Promise.all(workers.map((worker) => worker.ended))
      expect(ended.map(({ code }) => code)).toEqual([130, 130, 130, 130])
      // All of them had some.
      const shares = ended.map(({ output }) => output.split('done in').length - 1)
      expect(shares.reduce((sum, share) => sum + share)).toBe(15)
      const all = [planner, status, wrong, ...ended].map(({ output }) => output).join('\n')
      expect(all).not.toContain(PASSWORD)
      expect(spawnSync('grep', ['-rl', PASSWORD, store]).stdout.toString()).toBe('')
    } finally {
      workers.forEach(({ child }) => child.kill('SIGKILL'))
      await redis.stop()
    }
    const alone = path.join(folder, 'alone')
    for (const threads of [1, 2]) {
      await runStudy(tiny({ ...study, threads }), watched(`${alone}-${threads}`, { fitProcesses: 1 }).context)
      expect(results(path.join(store, 'strokes'))).toEqual(results(`${alone}-${threads}`))
    }
  }, 240_000)
})

describe('a script for Slurm', () => {
  test('submits each stage after those that it needs, and what it runs gives the report', async () => {
    const folder = temporaryFolder()
    const store = path.join(folder, 'a store')
    const script = path.join(folder, 'out.sh')
    const config = configFile(folder, { methods: ['pixels'], models: {}, labels: [1], heads: ['prototypes'] })
    const written = await handful(['study', '--config', config, '--store', store, '--slurm', script]).ended
    expect(written.output).toMatch(/2 stages, about .* on one machine/)
    expect(spawnSync('bash', ['-n', script]).status).toBe(0)
    // An sbatch that does what it is given at once: dependencies were submitted, and so done, before.
    const bin = path.join(folder, 'bin')
    mkdirSync(bin)
    writeFileSync(
      path.join(bin, 'sbatch'),
      `#!/usr/bin/env bash
echo "$*" >> '${folder}/submitted'
id=$((100 + $(wc -l < '${folder}/submitted')))
last=0
while [[ "$1" == --* ]]; do
  [[ "$1" == --array=* ]] && last="\${1#--array=0-}"
  shift
done
for task in $(seq 0 "$last"); do SLURM_ARRAY_TASK_ID=$task bash "$@" >> '${folder}/tasks' 2>&1 || exit 1; done
echo $id
`,
    )
    chmodSync(path.join(bin, 'sbatch'), 0o755)
    const child = spawn('bash', [script], { env: { ...process.env, PATH: `${bin}:${process.env.PATH}` } })
    let output = ''
    child.stdout.on('data', (text) => (output += String(text)))
    await once(child, 'exit')
    expect(output).toBe('2 arrays of 2 stages, report: 103\n')
    const submitted = readFileSync(path.join(folder, 'submitted'), 'utf8').split('\n')
    expect(submitted[0]).toMatch(
      /^--parsable --job-name=handful-features --array=0-0 --cpus-per-task=1 --mem=512M/,
    )
    expect(submitted[0]).not.toContain('--dependency')
    expect(submitted[1]).toMatch(/--array=0-0 .* --dependency=afterok:101_0 --kill-on-invalid-dep=yes/)
    expect(submitted[2]).toContain('--dependency=afterany:101:102')
    const result = JSON.parse(readFileSync(path.join(store, 'strokes/study.json'), 'utf8')) as {
      cells: { accuracies: number[] }[]
      complete: boolean
    }
    const alone = await runStudy(
      tiny({ methods: ['pixels'], heads: ['prototypes'], labels: [1] }),
      watched(path.join(folder, 'alone')).context,
    )
    expect(result.complete).toBe(true)
    expect(result.cells.map(({ accuracies }) => accuracies)).toEqual(
      alone.cells.map(({ accuracies }) => accuracies),
    )
    expect(readFileSync(path.join(folder, 'tasks'), 'utf8')).not.toContain('failed')
  }, 240_000)
})
