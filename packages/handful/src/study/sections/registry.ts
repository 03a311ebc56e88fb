/** The sections of a study in the order of its report. Those that `names.ts` lists can be left out. */
import type { SectionName } from '../../names.js'
import { accuracySection } from './accuracy/section.js'
import { atlasSection } from './atlas/section.js'
import { cellsSection } from './cells/section.js'
import { crossoverSection } from './crossover/section.js'
import { generationSection } from './generation/section.js'
import { mapsSection } from './maps/section.js'
import { missingSection } from './missing/section.js'
import { pairedSection } from './paired/section.js'
import { partsSection } from './parts/section.js'
import { referenceSection } from './reference/section.js'
import { resultsSection } from './results/section.js'
import type { Section } from './section-entry.js'
import { setupSection } from './setup/section.js'
import { sweepSection } from './sweep/section.js'
import { trainingSection } from './training/section.js'
import { trustSection } from './trust/section.js'

export const sections = {
  results: resultsSection,
  reference: referenceSection,
  accuracy: accuracySection,
  paired: pairedSection,
  crossover: crossoverSection,
  cells: cellsSection,
  sweep: sweepSection,
  parts: partsSection,
  maps: mapsSection,
  atlas: atlasSection,
  generation: generationSection,
  training: trainingSection,
  trust: trustSection,
  missing: missingSection,
  setup: setupSection,
} satisfies Record<SectionName, Section> & Record<string, Section>
