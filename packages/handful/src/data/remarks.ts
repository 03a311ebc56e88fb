/** What is worth saying of images that were read: gathered image by image, told in one sentence of each kind with counts. */

import { printable } from '../errors.js'

export type Remark =
  | { readonly kind: 'fault'; readonly fault: string }
  | { readonly kind: 'frames'; readonly frames: number }
  | { readonly kind: 'channels'; readonly channels: number }
  | { readonly kind: 'not finite' }
  | { readonly kind: 'reduced'; readonly megapixels: number }
  /** Numbers of more than 8 bits that were stretched, or ordinary bytes. */
  | { readonly kind: 'stretched' | 'bytes' }
  /** 16-bit numbers for a run that has seen none. */
  | { readonly kind: 'type range' }

interface Noted {
  readonly path: string
  readonly remark: Remark
}

export class Remarks {
  readonly #noted = new Map<number, readonly Remark[]>()
  readonly #paths = new Map<number, string>()

  /** @param index of the image, which orders examples the same way whatever was read first */
  add(index: number, path: string, remarks: readonly Remark[]): void {
    this.#noted.set(index, remarks)
    this.#paths.set(index, path)
  }

  /** Takes up what was gathered of a part. @param indexOf an image of the part among all */
  merge(part: Remarks, indexOf: (index: number) => number): void {
    for (const [index, remarks] of part.#noted) {
      this.add(indexOf(index), part.#paths.get(index) ?? '', remarks)
    }
  }

  /** How many images some remark of a kind was made of. */
  count(kind: Remark['kind']): number {
    return this.#of(kind).length
  }

  sentences(): string[] {
    return [
      this.#faults(),
      this.#frames(),
      ...this.#channels(),
      this.#notFinite(),
      this.#reduced(),
      this.#mixed(),
      this.#typeRange(),
    ].flatMap((sentence) => sentence ?? [])
  }

  #of<K extends Remark['kind']>(kind: K): (Noted & { readonly remark: Extract<Remark, { kind: K }> })[] {
    const found: (Noted & { readonly remark: Extract<Remark, { kind: K }> })[] = []
    for (const index of [...this.#noted.keys()].sort((a, b) => a - b)) {
      const remark = this.#noted
        .get(index)
        ?.find((each): each is Extract<Remark, { kind: K }> => each.kind === kind)
      if (remark !== undefined) found.push({ path: this.#paths.get(index) ?? '', remark })
    }
    return found
  }

  #faults(): string | undefined {
    const found = this.#of('fault')
    if (found.length === 0) return undefined
    const kinds = new Map<string, number>()
    for (const { remark } of found) kinds.set(remark.fault, (kinds.get(remark.fault) ?? 0) + 1)
    const which = [...kinds]
      .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
      .map(([fault, times]) => `${times} ${fault}`)
      .join(', ')
    const words =
      found.length === 1
        ? '1 image has a harmless fault and is'
        : `${found.length} images have harmless faults and are`
    return `${words} read anyway, such as ${printable(found[0].path)} (${which})`
  }

  #frames(): string | undefined {
    const found = this.#of('frames')
    if (found.length === 0) return undefined
    const words = found.length === 1 ? '1 file holds' : `${found.length} files hold`
    return `${words} several frames, such as ${printable(found[0].path)} with ${found[0].remark.frames}: the first is taken; --frames all takes each as an image`
  }

  #channels(): string[] {
    const found = this.#of('channels')
    return [...new Set(found.map(({ remark }) => remark.channels))].map((channels) => {
      const own = found.filter(({ remark }) => remark.channels === channels)
      const taken =
        channels === 2 ? '1 and 2 are taken as red and green' : '1, 2 and 3 are taken as red, green and blue'
      return `${imagesHave(own.length)} ${channels} channels, such as ${printable(own[0].path)}: ${taken}; --channels chooses others`
    })
  }

  #notFinite(): string | undefined {
    const found = this.#of('not finite')
    if (found.length === 0) return undefined
    return `${imagesHave(found.length)} pixels that are NaN or infinite, such as ${printable(found[0].path)}: NaN is taken as black`
  }

  #reduced(): string | undefined {
    const found = this.#of('reduced')
    if (found.length === 0) return undefined
    const [{ path, remark }] = found
    return `${imagesHave(found.length)} more than 50 megapixels, such as ${printable(path)} with ${Math.round(remark.megapixels)}: read reduced`
  }

  #mixed(): string | undefined {
    const [deep, bytes] = [this.count('stretched'), this.count('bytes')]
    if (deep === 0 || bytes === 0) return undefined
    return `${deep} of ${deep + bytes} images have more than 8 bits and are stretched as one; those of 8 bits are taken as they are, so the two may differ in brightness`
  }

  #typeRange(): string | undefined {
    const found = this.#of('type range')
    if (found.length === 0) return undefined
    return `${imagesHave(found.length)} 16 bits, such as ${printable(found[0].path)}, and the run's own had 8: 65535 is taken as white`
  }
}

const imagesHave = (count: number): string => (count === 1 ? '1 image has' : `${count} images have`)
