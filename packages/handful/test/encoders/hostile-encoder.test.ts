/** Encoders that are made to do harm, or are damaged: told in one line before onnxruntime sees anything of them. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HandfulError } from '../../src/errors.js'
import { openOutsideEncoder } from '../../src/encoders/outside-encoder.js'
import { int, ints, node, tinyModel, withGraph } from './tiny-encoder.js'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'handful-hostile-'))))
afterAll(() => rm(folder, { recursive: true }))

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts)

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Uint8Array.from([...bytes, left])
    bytes.push((left % 128) + 128)
  }
}

/** A field of a message as it stands in a file: a whole number, or bytes. */
const field = (number: number, value: number | Uint8Array | string): Uint8Array => {
  if (typeof value === 'number') return joined(varint(8 * number), varint(value))
  const bytes = typeof value === 'string' ? text(value) : value
  return joined(varint(8 * number + 2), varint(bytes.length), bytes)
}

/** What is written behind a model is read as more of it: here another initializer, a bias added to the feature. */
const withTensor = (...parts: readonly Uint8Array[]): Uint8Array =>
  joined(
    tinyModel({
      change: (model) =>
        withGraph(model, {
          nodes: [
            ...model.graph.nodes.slice(0, -1),
            node('Flatten', ['pooled'], ['row']),
            node('Add', ['row', 'bias'], ['features']),
          ],
        }),
    }),
    field(7, field(5, joined(field(1, 6), field(2, 1), field(8, 'bias'), ...parts))),
  )

const external = (location: string, more: Readonly<Record<string, string>> = {}): Uint8Array =>
  joined(
    field(14, 1),
    ...Object.entries({ location, ...more }).map(([key, value]) =>
      field(13, joined(field(1, key), field(2, value))),
    ),
  )

async function opened(bytes: Uint8Array, name = 'model.onnx') {
  const file = path.join(folder, name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, bytes)
  return openOutsideEncoder(file, { encoderRange: '0,1' }, { threads: 1 })
}

async function refused(bytes: Uint8Array, message: RegExp, name?: string): Promise<void> {
  const opening = opened(bytes, name)
  await expect(opening).rejects.toThrow(message)
  await expect(opening).rejects.toBeInstanceOf(HandfulError)
  await expect(opening).rejects.not.toThrow(/\n|internal/)
}

describe('data beside the model', () => {
  const six = new Uint8Array(new Float32Array([1, 2, 3, 4, 5, 6]).buffer)

  test('is read from a plain file in its folder, and comes into the model that runs', async () => {
    await mkdir(path.join(folder, 'data'), { recursive: true })
    await writeFile(path.join(folder, 'data', 'weights.bin'), joined(new Uint8Array(8), six))
    const found = await opened(withTensor(external('data/weights.bin', { offset: '8', length: '24' })))
    expect(found.description.columns).toBe(6)
    expect(Buffer.from(found.model).includes(Buffer.from(six))).toBe(true)
    expect(Buffer.from(found.model).includes('weights.bin')).toBe(false)
  })

  test.each([
    ['above it', '../secret.bin', /leads out of its folder/],
    ['by a path from the root', '/etc/hostname', /leads out of its folder/],
    ['by a drive', 'C:\\secret.bin', /leads out of its folder/],
    ['over and back', 'data/../../secret.bin', /leads out of its folder/],
    ['by a link', 'link.bin', /a symbolic link/],
    ['through a linked folder', 'linked/secret.bin', /a symbolic link/],
    ['that are not there', 'none.bin', /which is not there/],
    ['that are a folder', 'data', /no regular file/],
    ['without a name', '', /leads out of its folder/],
  ])('%s are not', async (_, location, message) => {
    await mkdir(path.join(folder, 'below', 'data'), { recursive: true })
    await writeFile(path.join(folder, 'secret.bin'), six)
    await symlink(path.join(folder, 'secret.bin'), path.join(folder, 'below', 'link.bin')).catch(() => {})
    await symlink(folder, path.join(folder, 'below', 'linked')).catch(() => {})
    await refused(withTensor(external(location)), message, 'below/model.onnx')
  })

  test('that end early are told', async () => {
    await writeFile(path.join(folder, 'short.bin'), six.subarray(0, 12))
    await refused(withTensor(external('short.bin', { length: '24' })), /which has 12 bytes/)
    await refused(withTensor(external('short.bin', { offset: '-4' })), /the offset "-4"/)
    await refused(withTensor(external('short.bin')), /got 12 bytes in tensor "bias", expected 24/)
  })
})

describe('operators', () => {
  const changed = (
    nodes: readonly ReturnType<typeof node>[],
    opsets: Readonly<Record<string, number>> = {},
  ) =>
    tinyModel({
      change: (model) => ({
        ...withGraph(model, { nodes: [...model.graph.nodes.slice(0, -1), ...nodes] }),
        opsets: { ...model.opsets, ...opsets },
      }),
    })

  test.each([
    ['com.example', 'Steal'],
    ['com.microsoft', 'EPContext'],
    ['com.microsoft.nchwc', 'Conv'],
  ])('of %s such as %s are refused', async (domain, op) => {
    const bytes = changed([node(op, ['pooled'], ['features'], {}, domain)], { [domain]: 1 })
    await refused(bytes, new RegExp(`the operator ${op} of "${domain}"`))
  })

  test('of com.microsoft that networks are made of are taken', async () => {
    const bytes = changed(
      [node('Gelu', ['pooled'], ['gelu'], {}, 'com.microsoft'), node('Flatten', ['gelu'], ['features'])],
      { 'com.microsoft': 1 },
    )
    expect((await opened(bytes)).description.columns).toBe(6)
  })

  test('hidden in a graph inside one are seen', async () => {
    const inner = (nodes: readonly ReturnType<typeof node>[]) => ({
      kind: 'graph' as const,
      value: {
        name: 'inner',
        nodes,
        initializers: [],
        inputs: [],
        outputs: [{ name: 'chosen', dtype: 'float32' as const }],
      },
    })
    const bytes = changed([
      node('Constant', [], ['yes'], {
        value: {
          kind: 'tensor',
          value: { name: 'yes', dtype: 'bool', shape: [], data: Uint8Array.of(1) },
        },
      }),
      node('If', ['yes'], ['features'], {
        then_branch: inner([node('Steal', ['pooled'], ['chosen'], {}, 'com.example')]),
        else_branch: inner([node('Identity', ['pooled'], ['chosen'])]),
      }),
    ])
    await refused(bytes, /the operator Steal of "com.example"/)
  })

  test('that make a terabyte of a few bytes are refused', async () => {
    const bytes = tinyModel({
      constants: [
        { name: 'huge', dtype: 'int64', shape: [2], data: BigInt64Array.of(1_000_000n, 1_000_000n) },
      ],
      change: (model) =>
        withGraph(model, { nodes: [...model.graph.nodes, node('ConstantOfShape', ['huge'], ['much'])] }),
    })
    await refused(bytes, /ConstantOfShape of \[1000000, 1000000\]/)
  })
})

describe('functions', () => {
  /** `own.f`, which calls `calls` so many times. */
  const fn = (name: string, calls: string, times: number): Uint8Array => {
    const call = field(
      7,
      joined(field(1, 'x'), field(2, 'y'), field(4, calls), field(7, calls === 'Identity' ? '' : 'own')),
    )
    return field(
      25,
      joined(
        field(1, name),
        field(4, 'x'),
        field(5, 'y'),
        field(10, 'own'),
        ...Array<Uint8Array>(times).fill(call),
      ),
    )
  }

  test('that call themselves are refused', async () => {
    await refused(joined(tinyModel(), fn('a', 'b', 1), fn('b', 'a', 1)), /one that calls itself/)
  })

  test('that grow without bounds are refused', async () => {
    const chain = Array.from({ length: 8 }, (_, i) => fn(`f${i}`, i === 0 ? 'Identity' : `f${i - 1}`, 10))
    await refused(joined(tinyModel(), ...chain), /over 100,000/)
  })
})

describe('tensors', () => {
  test.each([
    ['of more than is there', [field(9, new Uint8Array(8))], /got 8 bytes in tensor "bias", expected 24/],
    ['of a type that is none', [field(2, 99), field(9, new Uint8Array(24))], /got element type 99/],
  ])('%s are refused', async (_, parts, message) => {
    await refused(withTensor(...parts), message)
  })

  test('that are sparse are refused', async () => {
    await refused(joined(tinyModel(), field(7, field(15, new Uint8Array(0)))), /a sparse tensor/)
  })

  test('of a file that is cut short are told', async () => {
    await refused(tinyModel().subarray(0, 150), /cut short|expected/)
    await refused(new Uint8Array(0), /an empty file/)
  })

  test('of absurd size in its input are told', async () => {
    await refused(tinyModel({ size: 65_536 }), /images of 65536x65536/)
  })
})

test('what it does not know of a file never reaches onnxruntime', async () => {
  const { model } = await opened(joined(tinyModel(), field(900, 'a message that nobody reads')))
  expect(Buffer.from(model).includes('nobody reads')).toBe(false)
})

test('attributes that hold numbers are read', async () => {
  const bytes = tinyModel({
    change: (model) =>
      withGraph(model, {
        nodes: [
          ...model.graph.nodes.slice(0, -2),
          node('ReduceMean', ['map'], ['features'], { axes: ints(2, 3), keepdims: int(0) }),
        ],
      }),
  })
  expect((await opened(bytes)).description.columns).toBe(6)
})
