/** What every supported runtime and browser build knows. */
export const OPSET = 21
export const IR_VERSION = 10
