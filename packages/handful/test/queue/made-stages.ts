/**
 * Stages that do next to nothing, or go wrong in a certain way the first time. What happens to them is written into `log` of
 * the study's folder, a line for each time that one is begun.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { contentKey } from '../../src/files/content-key.js'
import type { StudyStage } from '../../src/study/study-stage.js'

export interface MadeStage {
  readonly name: string
  readonly does: 'nothing' | 'counts' | 'hangs once' | 'crashes once' | 'fails' | 'finds a full disk'
  readonly after?: readonly string[]
  /** Steps of 20 ms that are counted. */
  readonly steps?: number
}

export const LIST = 'list.json'

/** The stages that `list.json` of a folder names. */
export function madeStages(folder: string): StudyStage[] {
  const list = JSON.parse(readFileSync(path.join(folder, LIST), 'utf8')) as MadeStage[]
  const made = new Map<string, StudyStage>()
  for (const entry of list) {
    const { name, does, after = [] } = entry
    const needs = after.flatMap((other) => made.get(other) ?? [])
    const settings = { name, needs: needs.map(({ key }) => key) }
    made.set(name, {
      kind: 'made',
      name,
      settings,
      key: contentKey(settings),
      needs,
      seconds: 1,
      group: 'made',
      schema: z.object({ of: z.string() }),
      async work({ signal, onProgress }) {
        appendFileSync(path.join(folder, 'log'), `${name}\n`)
        const again = existsSync(path.join(folder, `begun ${name}`))
        writeFileSync(path.join(folder, `begun ${name}`), '')
        if (does === 'fails') throw new Error('the stage fell\nover')
        if (does === 'finds a full disk') throw Object.assign(new Error('write'), { code: 'ENOSPC' })
        if (does === 'crashes once' && !again) process.kill(process.pid, 'SIGKILL')
        if (does === 'hangs once' && !again) await setTimeout(3_600_000)
        if (does === 'counts')
          await count(path.join(folder, `steps ${name}`), entry.steps ?? 0, signal, onProgress)
        return { of: name }
      },
    })
  }
  return [...made.values()]
}

/** Goes on at the step that the file holds. */
async function count(
  file: string,
  steps: number,
  signal: AbortSignal,
  onProgress: ((done: number, total: number) => void) | undefined,
): Promise<void> {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0
  for (let step = lines; step < steps; step++) {
    await setTimeout(20)
    appendFileSync(file, `${step} by ${process.pid}\n`)
    onProgress?.(step + 1, steps)
    signal.throwIfAborted()
  }
}
