/** What lies beside an exported model, and what its files are called. */
import path from 'node:path'

export interface ModelFiles {
  /** What it says of itself, again. */
  readonly description: string
  /** Test inputs and expected outputs. */
  readonly test: string
  readonly card: string
  readonly page: string
}

/** @param model the ONNX file */
export function besideModel(model: string): ModelFiles {
  const stem = model.replace(/\.onnx$/i, '')
  return {
    description: `${stem}.json`,
    test: `${stem}.test.safetensors`,
    card: `${stem}.card.md`,
    page: path.join(path.dirname(model), 'try.html'),
  }
}
