/**
 * How many threads this process may use, and which onnxruntime they are for. An entry of its own (`onnx-autodiff/threads`):
 * who only asks does not load onnxruntime.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** As packages/onnx-autodiff/scripts/copy-runtime.mjs copies it. */
export const ONNXRUNTIME_VERSION = '1.30.0'

/**
 * Cores this process may use: what the scheduler allows, and inside a container no more than its CPU quota, which Node 20
 * does not know of (threads over the quota make each other wait).
 */
export function availableThreads(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cpuQuota())))
}

/** Control group version 2: `<quota> <period>` in microseconds, or `max <period>`. */
function cpuQuota(): number {
  try {
    const [quota, period] = readFileSync('/sys/fs/cgroup/cpu.max', 'utf8').trim().split(' ').map(Number)
    return quota > 0 && period > 0 ? quota / period : Infinity
  } catch {
    return Infinity
  }
}
