/**
 * WebGPU (native, by Dawn, in onnxruntime-node 1.30). It lacks LogSoftmax, Sign, Round, OneHot, GroupNormalization, random
 * operators and Loop; what is written here of these is only Loop, which is refused. Whatever else a graph needs and it does
 * not have, onnxruntime runs on the CPU. A perceptron's training step on SwiftShader equals the CPU's (webgpu.test.ts).
 */
import type { Backend } from './backend.js'

export const webgpu: Backend = {
  name: 'webgpu',
  executionProviders: ['webgpu', 'cpu'],
  // Standard operators only: com.microsoft's FusedMatMul was tried on the CPU alone.
  contributed: false,
  loops: false,
  absent: { Loop: 'take the whole batch at once instead of sumOverSlices' },
  results: 'cpu',
}
