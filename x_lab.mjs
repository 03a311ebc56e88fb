import sharp from 'sharp'
for (const f of process.argv.slice(2)) { try { const m=await sharp(f).metadata(); console.log(f.slice(-30),m.space,m.depth,m.channels,m.chromaSubsampling); const {data,info}=await sharp(f).toColourspace('srgb').raw().toBuffer({resolveWithObject:true}); console.log(info.channels,[...data.slice(0,6)]) } catch(e){console.log(f.slice(-30),String(e.message))} }
