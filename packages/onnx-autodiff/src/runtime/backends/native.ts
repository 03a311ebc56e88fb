/** onnxruntime's other providers, which are not in its npm package on every system: what they lack runs on the CPU. */
import { CPU_TARGET } from '../../onnx/compile.js'
import type { Backend } from './backend.js'

const native = (name: string): Backend => ({
  ...CPU_TARGET,
  name,
  executionProviders: [name, 'cpu'],
  results: 'cpu',
})

export const cuda = native('cuda')
export const directML = native('dml')
export const coreML = native('coreml')
