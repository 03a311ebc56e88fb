/** What a run was made with and on, for env.json: enough to make it again. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { ONNXRUNTIME_VERSION } from 'onnx-autodiff/threads'
import type { CommandContext } from './context.js'

export interface EnvironmentQuery {
  readonly context: CommandContext
  readonly threads: number
  readonly device: string
  readonly seed: number
}

export async function describeEnvironment(
  query: EnvironmentQuery,
): Promise<Readonly<Record<string, unknown>>> {
  const { context, threads, device, seed } = query
  const processors = os.cpus()
  const commit = await gitCommit()
  return {
    command: context.commandLine,
    startedAt: context.date().toISOString(),
    handful: context.version,
    ...(commit === undefined ? {} : { commit }),
    node: process.versions.node,
    onnxruntime: ONNXRUNTIME_VERSION,
    sharp: await packageVersion('sharp'),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    processor: processors[0]?.model.trim() ?? 'unknown',
    processors: processors.length,
    memoryBytes: os.totalmem(),
    threads,
    device,
    seed,
  }
}

async function packageVersion(name: string): Promise<string> {
  // Read from disk: loading the package for its version would load its native part.
  const require = createRequire(import.meta.url)
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const manifest: unknown = JSON.parse(await readFile(path.join(folder, name, 'package.json'), 'utf8'))
      if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
        return String(manifest.version)
    } catch {
      continue
    }
  }
  return 'unknown'
}

/** The commit that this program runs from, with `+` if its files were changed since; undefined outside a checkout. */
async function gitCommit(): Promise<string | undefined> {
  const run = promisify(execFile)
  const options = { cwd: import.meta.dirname, timeout: 2000 }
  try {
    const { stdout } = await run(
      'git',
      ['describe', '--always', '--dirty=+', '--exclude', '*', '--abbrev=12'],
      options,
    )
    return stdout.trim()
  } catch {
    return undefined
  }
}
