import { readFileSync, existsSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { openLocalSession, Random } from 'onnx-autodiff'
import { vqVae } from '../../src/models/vqvae.js'
import { stackSteps, unstackSteps } from '../../src/training/steps.js'
import { BatchOrder } from '../../src/training/batches.js'
import { augment, shapeAugmentation, takeImages } from '../../src/training/augment.js'
const preset = process.argv[2] as 'fast'|'paper', seconds = Number(process.argv[3])
const raw = gunzipSync(readFileSync('/work/shared/data/mnist/train-images-idx3-ubyte.gz'))
const train = { pixels: new Uint8Array(raw.subarray(16)), count: 60000, height: 28, channels: 1 }
console.log(train.count, train.height, train.channels)
const image = { size: train.height, channels: train.channels } as any
const config = { ...(vqVae.presets[preset](image) as any), ...JSON.parse(process.argv[4] ?? '{}') }
const { program, initialState, drawInputs, batch } = vqVae.train(config, image, 400, 1)
const session = await openLocalSession(program, { threads: 2, state: initialState })
const order = new BatchOrder(train.count, batch, 1)
const t0 = performance.now(); let s = 0
const shape=[batch,image.size,image.size,image.channels]
while (performance.now()-t0 < seconds*1000) {
  const px = takeImages(train.pixels, image.size**2*image.channels, order.indicesOf(s))
  const t1=performance.now(); const seen = augment({pixels:px,count:batch,size:image.size,channels:image.channels}, shapeAugmentation, new Random(1,'a'+s))
  const t2=performance.now(); if(s<6)console.log("aug",t2-t1); const f = unstackSteps(await session.run(stackSteps([{image:{dtype:'uint8',shape,data:seen},target:{dtype:'uint8',shape,data:px},...drawInputs((n)=>new Random(1,n+s),s)}])),1)[0]
  if (s<6||s%25===0) console.log(s, Math.round(performance.now()-t0), Object.entries(f).map(([k,v])=>k+' '+(v.data[0] as number).toPrecision(3)).join(' '))
  s++
}
await session.close()
