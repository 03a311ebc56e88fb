#!/usr/bin/env node
/** `npx handful`, in a checkout too: npm links this file when it installs, before anything is built. */
import { existsSync } from 'node:fs'

const main = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(main)) await import(main.href)
else {
  process.stderr.write(
    'handful (checkout): got no build, expected dist/cli/main.js; run npm run build first\n',
  )
  process.exitCode = 1
}
