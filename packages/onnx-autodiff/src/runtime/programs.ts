/**
 * Several programs over one state, such as the alternating updates of a GAN: what programs name alike they share. A
 * session is opened with the list, and each run names the ones that take their turn.
 */

import { type ArraySpec, specText } from '../arrays.js'
import { type Computation, isNetwork } from '../graph/computation.js'
import { compile } from '../onnx/compile.js'
import type { Program } from '../onnx/program.js'
import type { Backend } from './backends/backend.js'

type Specs = Readonly<Record<string, ArraySpec>>

/** What a run of these programs takes, gives and moves on. */
export interface Joined {
  readonly inputs: Specs
  readonly outputs: Specs
  readonly state: Specs
}

/** What a session runs: what models describe, or a program that is compiled already, such as a model from a file. */
export type Runnable = Computation | Program

/** Compiles for a backend what is not compiled yet. */
export function compileFor(backend: Backend, runnables: Runnable | readonly Runnable[]): readonly Program[] {
  const list = Array.isArray(runnables) ? (runnables as readonly Runnable[]) : [runnables as Runnable]
  return list.map((each) => {
    if ('model' in each) return each
    // Steps of several programs take turns with one another; and their number is told by the length of the inputs.
    const manySteps =
      backend.loops &&
      list.length === 1 &&
      !isNetwork(each) &&
      (each.state ?? []).length > 0 &&
      (each.inputs ?? []).length > 0
    return compile(each, { ...backend, manySteps })
  })
}

/** @throws Error if two programs give one name two types, or write one output */
export function joinPrograms(programs: readonly Program[]): Joined {
  if (programs.length === 0) throw new Error('programs (session): got none, expected at least one')
  const outputs: Record<string, ArraySpec> = {}
  for (const program of programs) {
    for (const [name, spec] of Object.entries(program.outputs)) {
      if (name in outputs) {
        throw new Error(`programs (session): got two with an output "${name}", expected names of their own`)
      }
      outputs[name] = spec
    }
  }
  return {
    inputs: union(programs.map((each) => each.inputs)),
    outputs,
    state: union(programs.map((each) => each.state)),
  }
}

function union(all: readonly Specs[]): Specs {
  const found: Record<string, ArraySpec> = {}
  for (const [name, spec] of all.flatMap((specs) => Object.entries(specs))) {
    const [before, now] = [specText(found[name] ?? spec), specText(spec)]
    if (before !== now) {
      throw new Error(`programs (session): got "${name}" as ${before} and as ${now}, expected one type`)
    }
    found[name] = spec
  }
  return found
}

/**
 * The programs of these places, all of them where none are named.
 *
 * @throws Error if a place is not among them
 */
export function chosenPrograms<T>(all: readonly T[], places?: readonly number[]): readonly T[] {
  if (!places) return all
  for (const place of places) {
    if (!(place in all)) {
      throw new Error(`programs (session.run): got ${place}, expected places from 0 to ${all.length - 1}`)
    }
  }
  return places.map((place) => all[place])
}
