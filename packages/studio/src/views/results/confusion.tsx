/** Which classes are taken for which: labels left out against what the others said of them. A cell opens its images. */
import type { Results } from '../../../../handful/src/studio/protocol.js'
import { useStore } from '../../context.js'
import { NO_FILTERS } from '../../logic/filters.js'
import { counted, percent } from '../../logic/format.js'
import { Swatch } from '../../parts/small.js'

/** From this share on, the text on a cell is the page's colour; the ground jumps there, so that both can be read. */
const DENSE = 0.7
const groundOf = (share: number): number => (share > DENSE ? 0.8 + 0.2 * share : share * 0.9)

export function Confusion({ results, onOpen }: { results: Results; onOpen: () => void }) {
  const store = useStore()
  const name = store.className.value
  const { classes, confusion } = results
  const total = confusion.flat().reduce((sum, count) => sum + count, 0)
  if (total === 0)
    return (
      <p class="soft">
        Told once each class has a few labels: each is left out in turn and guessed from the others.
      </p>
    )
  const right = confusion.reduce((sum, row, k) => sum + row[k], 0)

  function open(truth: number, guess: number): void {
    const images = new Set(results.cells[`${truth},${guess}`] ?? [])
    const what = truth === guess ? `${name(truth)}, rightly so` : `${name(truth)} taken for ${name(guess)}`
    store.filters.value = { ...NO_FILTERS, picked: { name: what, images } }
    onOpen()
  }

  return (
    <section>
      <p class="soft">
        {counted(total, 'label')}, each left out in turn: {percent(right / total)} were guessed right from the
        others. Click a cell to see its images.
      </p>
      <div class="scroll">
        <table class="confusion">
          <thead>
            <tr>
              <th scope="col">labelled ↓ &ensp; guessed →</th>
              {classes.map((id) => (
                <th key={id} scope="col">
                  <span class="column-name">
                    <Swatch id={id} />
                    <span class="cut">{name(id)}</span>
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {classes.map((truth, row) => {
              const sum = confusion[row].reduce((all, count) => all + count, 0)
              return (
                <tr key={truth}>
                  <th scope="row">
                    <span class="row-name">
                      <span class="cut">{name(truth)}</span>
                      <Swatch id={truth} />
                    </span>
                  </th>
                  {classes.map((guess, column) => {
                    const count = confusion[row][column]
                    const share = sum === 0 ? 0 : count / sum
                    return (
                      <td key={guess}>
                        <button
                          type="button"
                          disabled={count === 0}
                          class={`${row === column ? 'right' : ''} ${share > DENSE ? 'dense' : ''}`}
                          style={{ backgroundColor: `rgba(var(--heat), ${groundOf(share).toFixed(3)})` }}
                          aria-label={`${counted(count, 'image')} labelled ${name(truth)}, guessed ${name(guess)}`}
                          onClick={() => open(truth, guess)}
                        >
                          {count === 0 ? '' : count}
                        </button>
                      </td>
                    )
                  })}
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </section>
  )
}
