/** The page over made-up images: `mock.html?images=60000&stage=labelled`. For development and tests; not shipped. */
import { mount } from '../src/mount.js'
import { MockStudio, type MockOptions } from './mock-studio.js'

const asked = new URLSearchParams(location.search)
const stages: readonly MockOptions['stage'][] = ['empty', 'reading', 'untrained', 'ready', 'labelled']

const studio = new MockStudio({
  images: Number(asked.get('images') ?? 3000),
  stage: stages.find((stage) => stage === asked.get('stage')) ?? 'labelled',
  latencyMs: Number(asked.get('latency') ?? 4),
  classes: Number(asked.get('classes') ?? 7),
  longNames: asked.has('long'),
  model: asked.get('model') ?? undefined,
})

declare global {
  interface Window {
    mock: MockStudio
  }
}
window.mock = studio

mount(studio)
