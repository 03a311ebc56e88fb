/**
 * An ONNX model as plain data: what the writer encodes and the reader gives back. Field names follow onnx.proto3
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3); only what the engine needs is here.
 */
import type { Elements, ElementType } from '../arrays.js'

/** A tensor with its values inside the model: an initializer, or the value of an attribute. */
export interface OnnxTensor {
  readonly name: string
  readonly dtype: ElementType
  readonly shape: readonly number[]
  /** Row-major elements; `bool` is a Uint8Array of 0 and 1. */
  readonly data: Elements
}

/** An attribute of a node with its kind; `graph` is the body of a loop or a branch. Floats are float32 in the file. */
export type OnnxAttribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: OnnxTensor }
  | { readonly kind: 'graph'; readonly value: OnnxGraph }

/** One use of an operator. Values are known by name; an input that is left out has the name ''. */
export interface OnnxNode {
  readonly op: string
  /** Empty for the standard operators. */
  readonly domain: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, OnnxAttribute>>
}

/** A graph input or output; a dimension that is a text is dynamic and named so. A missing shape is unknown. */
export interface OnnxValue {
  readonly name: string
  readonly dtype: ElementType
  readonly shape?: readonly (number | string)[]
}

/** Nodes in an order in which each finds its inputs made, and the values that go in and come out. */
export interface OnnxGraph {
  readonly name: string
  readonly nodes: readonly OnnxNode[]
  readonly initializers: readonly OnnxTensor[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

/** A whole ONNX file as plain data: `encodeModel` writes it, `decodeModel` reads it. */
export interface OnnxModel {
  readonly graph: OnnxGraph
  /** Opset version of each domain; '' is the standard one. */
  readonly opsets: Readonly<Record<string, number>>
  readonly irVersion: number
  readonly producer: string
  readonly metadata: Readonly<Record<string, string>>
}
