/** What results are made with, as far as it may change their last digits: told where planner and workers differ. */
import { readFile } from 'node:fs/promises'
import os from 'node:os'
import { z } from 'zod'

export const madeSchema = z.strictObject({
  handful: z.string(),
  commit: z.string(),
  onnxruntime: z.string(),
  node: z.string(),
  instructions: z.string(),
})

export type Made = z.infer<typeof madeSchema>

const WORDS: Readonly<Record<keyof Made, string>> = {
  handful: 'handful',
  commit: 'commit',
  onnxruntime: 'onnxruntime',
  node: 'Node',
  instructions: 'instruction set',
}

/** @param environment as runs keep it in env.json */
export async function madeWith(environment: Readonly<Record<string, unknown>>): Promise<Made> {
  const word = (name: string): string => {
    const value = environment[name]
    return typeof value === 'string' ? value : 'none'
  }
  return {
    handful: word('handful'),
    commit: word('commit'),
    onnxruntime: word('onnxruntime'),
    // Patches of one line of Node compute alike.
    node: word('node').split('.')[0],
    instructions: await instructionSet(),
  }
}

/** What the engine's kernels are chosen by: sums are taken in another order in wider registers. */
async function instructionSet(): Promise<string> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '')
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1].trim().split(/\s+/) ?? [])
  const kinds = ['amx_tile', 'avx512_vnni', 'avx512f', 'avx2', 'avx', 'sve', 'asimd']
  const found = kinds.filter((kind) => flags.has(kind))
  return [os.arch(), ...found.slice(0, 1)].join(' ')
}

/** `commit 12ab instead of 34cd`, for each that differs. */
export const differences = (here: Made, there: Made): string[] =>
  (Object.keys(WORDS) as (keyof Made)[]).flatMap((name) =>
    here[name] === there[name] ? [] : [`${WORDS[name]} ${here[name]} instead of ${there[name]}`],
  )
