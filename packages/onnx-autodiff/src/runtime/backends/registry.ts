/** The execution backends, a line each. */
import type { Backend } from './backend.js'
import { cpu } from './cpu.js'
import { coreML, cuda, directML } from './native.js'
import { webgpu } from './webgpu.js'

export const backends: readonly Backend[] = [
  cpu, //
  webgpu,
  cuda,
  directML,
  coreML,
]
