import { openLocalSession, Random } from 'onnx-autodiff'
import { test } from 'vitest'
import { diffusion } from '../../src/models/diffusion.js'
import { averagedWeights } from '../../src/models/model.js'
import { tiny } from './diffusion-tiny.js'
const COUNT = 16
const pixels = new Uint8Array(COUNT * 64)
for (let i = 0; i < COUNT; i++) for (let at = 0; at < 9; at++) pixels[i * 64 + ((i >> 2) + Math.floor(at / 3) + 1) * 8 + (i & 3) + (at % 3) + 1] = 255
test('x', async () => {
  const image = { size: 8, channels: 1 } as const
  for (const more of [{ batch: 64 }, { batch: 64, noise: {kind:'logistic' as const, mean: 0, deviation: 1.2} }, { batch: 64, width: 64, noise: {kind:'logistic' as const, mean: 0, deviation: 1.2} }, {batch: 64, learningRate: 1e-2, noise: {kind:'logistic' as const, mean: 0, deviation: 1.2}}]) {
    const config = { ...tiny.quick, ...more }
    const steps = 300
    const rep = new Uint8Array(config.batch * 64); for (let k = 0; k < config.batch; k++) rep.set(pixels.subarray((k*5 % 16) * 64, (k*5 % 16) * 64 + 64), k * 64)
    const t0 = performance.now()
    const { program, initialState, drawInputs } = diffusion.train(config, image, steps, 1)
    const session = await openLocalSession(program, { threads: 2, state: initialState })
    const t1 = performance.now()
    let last = {}
    for (let step = 0; step < steps; step++) {
      const drawn = drawInputs((name) => new Random(1, `${name}/${step}`), step)
      const found = await session.run({ image: { dtype: 'uint8', shape: [config.batch, 8, 8, 1], data: rep }, ...drawn })
      last = Object.fromEntries(Object.entries(found).map(([n, { data }]) => [n, Number(Number(data[0]).toFixed(4))]))
    }
    const weights = averagedWeights(await session.readState())
    await session.close()
    const rec = await diffusion.reconstruct!(config, image, weights, pixels, { threads: 2 })
    const s = await diffusion.sample!(config, image, weights, { count: 24, seed: 3, steps: 25, eta: 0 , threads: 2 })
    const dist = Array.from({length: 24}, (_, i) => Math.min(...Array.from({length: 16}, (_, k) => s.slice(i*64,i*64+64).reduce((a, v, at) => a + Math.abs(v - pixels[k*64+at]), 0)/64/255)))
    console.log(JSON.stringify(more), Math.round(t1-t0), Math.round(performance.now()-t1), last, 'rec', rec.reduce((a, v, i) => a + Math.abs(v - pixels[i]), 0) / pixels.length / 255, dist.map(d=>d.toFixed(3)).join(' '))
  }
}, 100000)
