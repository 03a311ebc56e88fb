/** All predictions, least sure first; to look through and to put right. */
import { useEffect } from 'preact/hooks'
import { useStore } from '../../context.js'
import { bulkAction, SelectBar } from '../../parts/bulk.js'
import { FilterBar } from '../../parts/filter-bar.js'
import { Grid } from '../../parts/grid.js'
import { useActions } from '../../parts/keys.js'
import { Empty } from '../../parts/small.js'

export function PredictionGrid() {
  const store = useStore()
  useActions((action) => bulkAction(store, action))
  useEffect(() => {
    const before = store.order.value
    store.order.value = 'unsure'
    return () => {
      store.order.value = before
    }
  }, [store])
  return (
    <>
      <FilterBar />
      {store.shown.value.length === 0 ? (
        <Empty icon="search" title="Nothing matches">
          <p>Take a filter off, or click the counter to see all images again.</p>
        </Empty>
      ) : (
        <Grid
          name="Predictions, least sure first"
          images={store.shown.value}
          size={store.cellSize.value}
          selection={store.selection.value}
          withPredictions
          onSelect={(selection) => {
            store.selection.value = selection
          }}
          onOpen={(image) => {
            store.opened.value = image
          }}
        />
      )}
      <SelectBar />
    </>
  )
}
