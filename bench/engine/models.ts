/** The three training steps of the speed comparison, each the twin of its PyTorch script in this folder. */
import {
  adam,
  add,
  averagePool,
  binaryCrossEntropyElements,
  concat,
  convolution,
  crossEntropy,
  exp,
  flattenImage,
  gradients,
  groupNorm,
  batchNorm,
  input,
  type Layer,
  linear,
  mean,
  meanSquaredError,
  mul,
  type NamedArray,
  Parameters,
  type Step,
  Random,
  relu,
  sgd,
  silu,
  sizeOf,
  slice,
  sub,
  sum,
  type Tensor,
  transposedConvolution,
  unflattenImage,
  upsampleNearest,
} from 'onnx-autodiff'

export interface Benchmark {
  readonly program: Step
  readonly state: Record<string, NamedArray>
  readonly inputs: Record<string, NamedArray>
  readonly parameters: number
}

const random = new Random(0, 'benchmark inputs')
const uniformArray = (shape: readonly number[], low: number, high: number): NamedArray => ({
  dtype: 'float32',
  shape,
  data: random.fillUniform(new Float32Array(sizeOf(shape)), low, high),
})

/** (a) The study's convolutional VAE on 28x28x1: 13 M parameters, Adam. */
export function vae(batch = 128): Benchmark {
  const p = new Parameters()
  const image = input('image', [28, 28, batch, 1])
  const noise = input('noise', [batch, 6])
  const conv = (name: string, inChannels: number, outChannels: number, stride: number): Layer =>
    convolution(p.scope(name), { inChannels, outChannels, kernel: 3, stride, padding: 1 })
  const up = (name: string, inChannels: number, outChannels: number, stride: number): Layer =>
    transposedConvolution(p.scope(name), {
      inChannels,
      outChannels,
      kernel: 3,
      stride,
      padding: 1,
      outputPadding: stride - 1,
    })
  const dense = (name: string, inputs: number, outputs: number): Layer =>
    linear(p.scope(name), { inputs, outputs })

  let h = relu(conv('conv1', 1, 32, 1)(image))
  h = relu(conv('conv2', 32, 64, 2)(h))
  h = relu(conv('conv3', 64, 128, 2)(h))
  const code = dense('latent', 1024, 12)(relu(dense('hidden', 6272, 1024)(flattenImage(h))))
  const mu = slice(code, 1, 0, 6)
  const logVariance = slice(code, 1, 6, 12)
  const z = add(mu, mul(exp(mul(logVariance, 0.5)), noise))
  h = relu(dense('expand2', 1024, 6272)(relu(dense('expand1', 6, 1024)(z))))
  h = relu(up('up1', 128, 64, 2)(unflattenImage(h, [7, 7, 128])))
  h = relu(up('up2', 64, 32, 2)(h))
  const logits = up('up3', 32, 1, 1)(h)
  const divergence = mul(sum(sub(add(1, logVariance), add(mul(mu, mu), exp(logVariance)))), -0.5)
  const loss = add(sum(binaryCrossEntropyElements(logits, image)), divergence)

  const { updates, initialState } = adam(
    { parameters: p.trained(), gradients: gradients(loss, p.trained()) },
    { rate: 1e-3 },
  )
  return {
    program: { inputs: [image, noise], state: updates, outputs: { loss } },
    state: { ...p.initialize(0), ...initialState },
    inputs: { image: uniformArray(image.shape, 0, 1), noise: uniformArray(noise.shape, -1, 1) },
    parameters: p.count,
  }
}

/** (b) A residual UNet with group norm and SiLU on 32x32x3, base width 64: 1.3 M parameters, Adam. */
export function unet(batch = 64, width = 64): Benchmark {
  const p = new Parameters()
  const image = input('image', [32, 32, batch, 3])
  const target = input('target', [32, 32, batch, 3])
  const time = input('time', [batch, 128])
  const block = (name: string, inChannels: number, channels: number): Layer => {
    const q = p.scope(name)
    const norm1 = groupNorm(q.scope('norm1'), inChannels, 8)
    const conv1 = convolution(q.scope('conv1'), { inChannels, outChannels: channels, kernel: 3, padding: 1 })
    const shift = linear(q.scope('time'), { inputs: 128, outputs: channels })
    const norm2 = groupNorm(q.scope('norm2'), channels, 8)
    const conv2 = convolution(q.scope('conv2'), {
      inChannels: channels,
      outChannels: channels,
      kernel: 3,
      padding: 1,
    })
    const skip =
      inChannels === channels
        ? (x: Tensor) => x
        : linear(q.scope('skip'), { inputs: inChannels, outputs: channels })
    return (x) => {
      const h = add(conv1(silu(norm1(x))), shift(time))
      return add(conv2(silu(norm2(h))), skip(x))
    }
  }
  const down0 = block(
    'down0',
    width,
    width,
  )(convolution(p.scope('first'), { inChannels: 3, outChannels: width, kernel: 3, padding: 1 })(image))
  const down1 = block('down1', width, 2 * width)(averagePool(down0, 2))
  const middle = block('middle', 2 * width, 2 * width)(averagePool(down1, 2))
  const up1 = block('up1', 4 * width, 2 * width)(concat([upsampleNearest(middle, 2), down1], 3))
  const up0 = block('up0', 3 * width, width)(concat([upsampleNearest(up1, 2), down0], 3))
  const last = convolution(p.scope('last'), { inChannels: width, outChannels: 3, kernel: 3, padding: 1 })
  const output = last(silu(groupNorm(p.scope('norm'), width, 8)(up0)))
  const loss = meanSquaredError(output, target)

  const { updates, initialState } = adam(
    { parameters: p.trained(), gradients: gradients(loss, p.trained()) },
    { rate: 1e-3 },
  )
  const inputs = { image: uniformArray(image.shape, -1, 1), time: uniformArray(time.shape, -1, 1) }
  const half: NamedArray = { ...inputs.image, data: (inputs.image.data as Float32Array).map((x) => x / 2) }
  return {
    program: { inputs: [image, target, time], state: updates, outputs: { loss } },
    state: { ...p.initialize(0), ...initialState },
    inputs: { ...inputs, target: half },
    parameters: p.count,
  }
}

/** (c) ResNet-18 with a 3x3 stem and batch norm on 32x32x3: 11.2 M parameters, SGD with momentum. */
export function resnet18(batch = 64): Benchmark {
  const p = new Parameters()
  const image = input('image', [32, 32, batch, 3])
  const labels = input('labels', [batch], 'int32')
  const conv = (
    q: Parameters,
    inChannels: number,
    outChannels: number,
    kernel: number,
    stride: number,
  ): Layer => {
    const convolve = convolution(q.scope('conv'), {
      inChannels,
      outChannels,
      kernel,
      stride,
      padding: (kernel - 1) / 2,
      bias: false,
    })
    const normalise = batchNorm(q.scope('norm'), outChannels)
    return (x) => normalise(convolve(x))
  }
  let h = relu(conv(p.scope('stem'), 3, 64, 3, 1)(image))
  const plan = [
    [64, 1],
    [64, 1],
    [128, 2],
    [128, 1],
    [256, 2],
    [256, 1],
    [512, 2],
    [512, 1],
  ]
  plan.forEach(([channels, stride], i) => {
    const q = p.scope(`block${i}`)
    const from = h.shape[3]
    const first = relu(conv(q.scope('first'), from, channels, 3, stride)(h))
    const second = conv(q.scope('second'), channels, channels, 3, 1)(first)
    const skip = stride === 1 && from === channels ? h : conv(q.scope('skip'), from, channels, 1, stride)(h)
    h = relu(add(second, skip))
  })
  const logits = linear(p.scope('head'), { inputs: 512, outputs: 10 })(mean(h, [0, 1]))
  const loss = crossEntropy(logits, labels)
  const { updates, initialState } = sgd(
    { parameters: p.trained(), gradients: gradients(loss, p.trained()) },
    { rate: 0.02, momentum: 0.9 },
  )
  return {
    program: { inputs: [image, labels], state: [...updates, ...p.bufferUpdates()], outputs: { loss } },
    state: { ...p.initialize(0), ...initialState },
    inputs: {
      image: uniformArray(image.shape, -1, 1),
      labels: { dtype: 'int32', shape: [batch], data: Int32Array.from({ length: batch }, (_, i) => i % 10) },
    },
    parameters: p.count,
  }
}
