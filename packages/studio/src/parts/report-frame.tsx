/** A report as the page that it is, in a frame of no origin that runs no script. */
import { useState } from 'preact/hooks'
import { Icon } from './icons.js'
import './report-frame.css'

export function ReportFrame({ address, name }: { readonly address: string; readonly name: string }) {
  const [turn, setTurn] = useState(0)
  return (
    <div class="report-frame">
      <iframe key={`${address} ${turn}`} src={address} title={name} sandbox="" />
      <button type="button" onClick={() => setTurn(turn + 1)}>
        <Icon name="redo" />
        Read again
      </button>
    </div>
  )
}
