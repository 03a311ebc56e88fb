/** Puts the page over a studio. */
import { render } from 'preact'
import type { Studio } from '../../handful/src/studio/protocol.js'
import { App } from './app.js'
import { StoreContext } from './context.js'
import { Store } from './store.js'
import './style/tokens.css'
import './style/base.css'
import './style/shell.css'
import './style/grid.css'
import './style/charts.css'
import './style/classes.css'

export function mount(studio: Studio): Store {
  const store = new Store(studio)
  const place = document.getElementById('page')
  if (place === null) throw new Error('internal: the page has no place for the studio')
  render(
    <StoreContext.Provider value={store}>
      <App />
    </StoreContext.Provider>,
    place,
  )
  void store.start()
  return store
}
