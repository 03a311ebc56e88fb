/**
 * WebGPU (native, by Dawn, in onnxruntime-node 1.30). It has no LogSoftmax, Sign, Round, OneHot, InstanceNormalization with
 * a group per channel or TopK of every type; none of the first four is ever written here, and whatever else it lacks,
 * onnxruntime runs on the CPU provider, with copies to and fro. A Loop it does not have, and one on the CPU whose body is on
 * the GPU copies everything at every round: so it is refused.
 */
import type { Backend } from './backend.js'

export const webgpu: Backend = {
  name: 'webgpu',
  executionProviders: ['webgpu', 'cpu'],
  // com.microsoft's FusedMatMul is a kernel of the CPU's.
  contributed: false,
  loops: false,
  absent: { Loop: 'take the whole batch at once instead of sumOverSlices' },
  results: 'cpu',
}
