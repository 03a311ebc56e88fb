/** A process that labels images one after the other and says of each when it is acknowledged; `journal.test.ts` runs several. */
import { Journal } from '../../src/labels/journal.js'

const [folder, who, count] = process.argv.slice(2)
const journal = await Journal.open(folder)
for (let i = 0; i < Number(count); i++) {
  const decisions = [
    { image: `${who}/${i}.png`, name: `class ${i % 3}` },
    { image: 'shared.png', name: who },
  ]
  await journal.labelNamed(decisions, { seen: 'picked', who })
  process.stdout.write(`${i}\n`)
}
await journal.close()
