
import { openDataset } from '../../packages/handful/src/data/open.js'
import { fitPatches, patchNetwork, defaultPatches, PATCHES } from '../../packages/handful/src/features/patches.js'
import { extractFeatures } from '../../packages/handful/src/features/extract.js'
import { onnxLinearAlgebra } from '../../packages/handful/src/heads/nearest-onnx.js'
import { openCifar, CIFAR10 } from '../../packages/handful/src/data/cifar.js'
import { openLocalSession } from 'onnx-autodiff'

  const { train } = await openCifar(CIFAR10, { folders: { dataDir: '/tmp/cifar10', cacheDir: '/tmp/none' } } as never)
  const la = onnxLinearAlgebra({ threads: 2 })
  let t = performance.now()
  const d = await fitPatches(train, {...defaultPatches, samples: 20000, rounds: 3}, { seed: 0, linearAlgebra: la })
  console.log('fit', performance.now() - t)
  const net = patchNetwork(d, { size: 32, channels: 3 })
  console.log('batch', net.batch)
  for (const n of [2, 4, 10, 32]) {
    const s = await openLocalSession(net.program, { threads: 2, profile: n === 10 ? '/tmp/pb/prof' : undefined })
    const image = { dtype: 'uint8' as const, shape: [n, 32, 32, 3], data: train.pixels.slice(0, n * 3072) }
    await s.run({ image })
    t = performance.now()
    for (let i = 0; i < 5; i++) await s.run({ image })
    console.log(n, 'ms per image', (performance.now() - t) / 5 / n)
    await s.close()
  }
await la.close()
