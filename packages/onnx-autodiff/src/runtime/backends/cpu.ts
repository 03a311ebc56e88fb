/** The CPU: everything, and always there. */
import { CPU_TARGET } from '../../onnx/compile.js'
import type { Backend } from './backend.js'

export const cpu: Backend = { ...CPU_TARGET, executionProviders: ['cpu'], results: 'cpu' }
