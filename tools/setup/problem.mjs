import { spawnSync } from 'node:child_process';

const kExitUnavailable = 69; // EX_UNAVAILABLE of sysexits.h

/** Something only the person at the machine can mend; the message says how. */
export class SetupProblem extends Error {
  constructor(message, exitCode = kExitUnavailable) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function say(line) {
  console.log(`set-up: ${line}`);
}

/** Runs a program with our output; a failure ends the set-up with what was tried. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (error) throw new SetupProblem(`cannot run ${command}: ${error.message}`);
  if (status !== 0)
    throw new SetupProblem(
      `\`${[command, ...args].join(' ')}\` failed (exit code ${status}); its output is above`,
    );
}
