#!/usr/bin/env node
/** Where `handful` starts: hands the process's own streams, signals and arguments to the command line. */
import { readFileSync } from 'node:fs'
import { availableThreads } from 'onnx-autodiff/threads'
import { callersFolder } from './callers-folder.js'
import type { CommandContext } from './context.js'
import { runCommandLine } from './program.js'
import { shellWord, withoutPasswords } from '../errors/shell.js'
import { commands } from '../jobs/commands.js'
import { Terminal } from './terminal.js'

/** `handful predict ... | head` closes the pipe early: that is no failure, and nobody is left to tell. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

/** Node throws where the folder was deleted meanwhile; no relative path means anything there. */
function workingFolder(): string {
  try {
    return process.cwd()
  } catch {
    process.stderr.write(
      'error: working folder: got one that was deleted, expected one that is there; change to another\n',
    )
    process.exit(1)
  }
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const caller = callersFolder(process.env, workingFolder())
if (caller !== undefined) process.chdir(caller)
const args = process.argv.slice(2)
const context: CommandContext = {
  version,
  commands,
  terminal: new Terminal({
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    now: () => performance.now() / 1000,
  }),
  signals: process,
  environment: process.env,
  // It is written into runs and reports.
  commandLine: ['handful', ...args].map((word) => shellWord(withoutPasswords(word))).join(' '),
  date: () => new Date(),
  cores: availableThreads(),
}
process.exitCode = await runCommandLine(args, context)
