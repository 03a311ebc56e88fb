/**
 * How many threads this process may use. An entry of its own (`onnx-autodiff/threads`): who only asks for their number does
 * not load onnxruntime.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

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
