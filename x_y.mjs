import { fromArrayBuffer } from 'geotiff'; import fs from 'node:fs'
const b=fs.readFileSync('/work/adv/f/480-mode-YCbCr.tif/a.tif'); const t=await fromArrayBuffer(b.buffer.slice(b.byteOffset,b.byteOffset+b.length)); const i=await t.getImage(0)
console.log(await i.fileDirectory.loadValue('ReferenceBlackWhite'), await i.fileDirectory.loadValue('YCbCrSubSampling'), await i.fileDirectory.loadValue('YCbCrCoefficients'))
