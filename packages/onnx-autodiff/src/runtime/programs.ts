/**
 * Several programs over one state, such as the alternating updates of a GAN: what programs name alike they share. A
 * session is opened with the list, and each run names the ones that take their turn.
 */

import type { ArraySpec, Program } from './types.js'

type Specs = Readonly<Record<string, ArraySpec>>

/** What a run of these programs takes, gives and moves on. */
export interface Joined {
  readonly inputs: Specs
  readonly outputs: Specs
  readonly state: Specs
}

export const asList = (programs: Program | readonly Program[]): readonly Program[] =>
  'model' in programs ? [programs] : programs

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
    const before = name in found ? text(found[name]) : text(spec)
    if (before !== text(spec)) {
      throw new Error(
        `programs (session): got "${name}" as ${before} and as ${text(spec)}, expected one type`,
      )
    }
    found[name] = spec
  }
  return found
}

const text = ({ dtype, shape }: ArraySpec): string => `${dtype} [${shape.join(', ')}]`

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
