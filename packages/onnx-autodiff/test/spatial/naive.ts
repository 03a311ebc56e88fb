/** Convolutions by plain loops in double precision: what every algorithm is held against. Layout [H, W, N, C]. */

export interface Form {
  readonly image: readonly [number, number]
  readonly kernel: readonly [number, number]
  readonly batch: number
  readonly inChannels: number
  readonly outChannels: number
  readonly groups: number
  readonly stride: readonly [number, number]
  /** Top, bottom, left, right; negative ones crop. */
  readonly padding: readonly [number, number, number, number]
  readonly dilation: readonly [number, number]
}

export const outputSize = ({ image, kernel, stride, padding, dilation }: Form): [number, number] =>
  [0, 1].map((i) => {
    const room = image[i] + padding[2 * i] + padding[2 * i + 1] - (kernel[i] - 1) * dilation[i] - 1
    return Math.floor(room / stride[i]) + 1
  }) as [number, number]

/** Calls back for every product that a convolution sums: the offsets of y, x [H, W, N, in] and w [h, w, in / groups, out]. */
function eachProduct(form: Form, callback: (y: number, x: number, w: number) => void): void {
  const { image, kernel, batch, inChannels, outChannels, groups, stride, padding, dilation } = form
  const [height, width] = outputSize(form)
  const inPerGroup = inChannels / groups
  const outPerGroup = outChannels / groups
  for (let i = 0; i < height; i++) {
    for (let k = 0; k < kernel[0]; k++) {
      const row = i * stride[0] + k * dilation[0] - padding[0]
      if (row < 0 || row >= image[0]) continue
      for (let j = 0; j < width; j++) {
        for (let l = 0; l < kernel[1]; l++) {
          const column = j * stride[1] + l * dilation[1] - padding[2]
          if (column < 0 || column >= image[1]) continue
          for (let n = 0; n < batch; n++) {
            for (let o = 0; o < outChannels; o++) {
              const first = Math.floor(o / outPerGroup) * inPerGroup
              for (let c = 0; c < inPerGroup; c++) {
                callback(
                  ((i * width + j) * batch + n) * outChannels + o,
                  ((row * image[1] + column) * batch + n) * inChannels + first + c,
                  ((k * kernel[1] + l) * inPerGroup + c) * outChannels + o,
                )
              }
            }
          }
        }
      }
    }
  }
}

export interface Results {
  readonly y: Float64Array
  readonly dx: Float64Array
  readonly dw: Float64Array
}

/** y = conv(x, w), and the gradients of sum(y * dy). */
export function convolution(form: Form, x: Float64Array, w: Float64Array, dy: Float64Array): Results {
  const y = new Float64Array(dy.length)
  const dx = new Float64Array(x.length)
  const dw = new Float64Array(w.length)
  eachProduct(form, (atY, atX, atW) => {
    y[atY] += x[atX] * w[atW]
    dx[atX] += dy[atY] * w[atW]
    dw[atW] += dy[atY] * x[atX]
  })
  return { y, dx, dw }
}

/**
 * The transposed convolution whose input is the output of `form`: every pixel of x [H', W', N, out] is scattered through
 * the filter into y [H, W, N, in]. Its gradients are those of sum(y * dy).
 */
export function transposedConvolution(
  form: Form,
  x: Float64Array,
  w: Float64Array,
  dy: Float64Array,
): Results {
  const y = new Float64Array(dy.length)
  const dx = new Float64Array(x.length)
  const dw = new Float64Array(w.length)
  eachProduct(form, (atX, atY, atW) => {
    y[atY] += x[atX] * w[atW]
    dx[atX] += dy[atY] * w[atW]
    dw[atW] += dy[atY] * x[atX]
  })
  return { y, dx, dw }
}

/** The largest error, relative to the root mean square of what is expected. */
export function relativeError(got: Float64Array, expected: Float64Array): number {
  if (got.length !== expected.length) return Infinity
  const rms = Math.sqrt(
    expected.reduce((total, value) => total + value * value, 0) / Math.max(expected.length, 1),
  )
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(got[i] - value)), 0)
  return rms === 0 ? worst : worst / rms
}
