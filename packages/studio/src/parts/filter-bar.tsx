/** Search, the filters as chips that can be taken off, one counter that clears them all, the size of the thumbnails. */
import { useStore } from '../context.js'
import { chips, isFiltered, NO_FILTERS } from '../logic/filters.js'
import { number } from '../logic/format.js'
import { Icon } from './icons.js'
import { keepFocus, Swatch } from './small.js'

export function FilterBar({ withSize = true }: { withSize?: boolean }) {
  const store = useStore()
  const filters = store.filters.value
  const filtered = isFiltered(filters)
  return (
    <div class="filter-bar" role="search">
      <input
        class="search"
        type="search"
        id="search"
        placeholder="Search by file name  /"
        aria-label="Search by file name"
        value={filters.search}
        onInput={(event) => {
          store.filters.value = { ...store.filters.value, search: event.currentTarget.value }
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape' || event.key === 'Enter') event.currentTarget.blur()
        }}
      />
      <button
        type="button"
        class="counter number"
        disabled={!filtered}
        title={filtered ? 'Show all images again' : undefined}
        aria-label={`${number(store.shown.value.length)} of ${number(store.images.value)} images shown${filtered ? ': show all' : ''}`}
        onClick={() => {
          store.filters.value = NO_FILTERS
        }}
      >
        {number(store.shown.value.length)} of {number(store.images.value)}
        {filtered && <Icon name="close" size={14} />}
      </button>
      <div class="chips">
        {chips(filters, store.className.value).map((chip) => (
          <button
            key={chip.key}
            type="button"
            class="chip"
            aria-label={`Take off: ${chip.text}`}
            onClick={() => {
              store.filters.value = chip.without
            }}
          >
            {chip.colour !== undefined && <Swatch id={chip.colour} />}
            <span class="cut">{chip.text}</span>
            <Icon name="close" size={13} />
          </button>
        ))}
      </div>
      {store.order.value !== 'path' && (
        <button
          type="button"
          class="plain sort-again"
          disabled={!store.orderIsOld.value}
          title="By what is predicted now (S); nothing moves before"
          onMouseDown={keepFocus}
          onClick={() => store.sortAgain()}
        >
          Sort again <kbd>S</kbd>
        </button>
      )}
      {withSize && (
        <label class="size">
          <Icon name="small" size={16} />
          <span class="unseen">Size of the thumbnails</span>
          <input
            type="range"
            min={36}
            max={260}
            step={4}
            value={store.cellSize.value}
            onInput={(event) => {
              store.cellSize.value = Number(event.currentTarget.value)
            }}
          />
        </label>
      )}
    </div>
  )
}
