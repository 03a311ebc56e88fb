/** WebAssembly as far as it is used here; there are no types of it without those of browsers. */

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Memory: new (size: { initial: number; maximum: number }) => WasmMemory
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

/** What a module's addresses are places in. Its buffer is another one after `growTo`. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
  /** @returns the pages that there were */
  grow(pages: number): number
}

const PAGE_BYTES = 65_536
const MOST_PAGES = 65_536

/** A module's functions on a memory of its own: one that imports `memory.memory` and exports functions alone. */
export function instantiate<Exports>(base64: string): {
  readonly memory: WasmMemory
  readonly exports: Exports
} {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { memory: { memory } })
  return { memory, exports: exports as Exports }
}

/**
 * Makes a memory at least so large.
 *
 * @throws RangeError where it cannot be had: beyond 4 GiB, or beyond what there is
 */
export function growTo(memory: WasmMemory, bytes: number): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE_BYTES)
  if (missing > 0) memory.grow(missing)
}
