import { join } from 'node:path';
import { fuzzTally } from './fuzz.ts';
import type { Runner } from './runner.ts';
import { kNode, native, vitest } from './runners.ts';

/** The sanitized builds of native/build.sh. */
export const kSanitizers = ['address,undefined', 'thread'] as const;
export type Sanitizers = (typeof kSanitizers)[number];

/**
 * Native suites of what more than one thread uses: server_test runs engine, rooms, links and channel with both threads of a worker.
 * test:long has the others too, which are one thread's work and slow under this sanitizer.
 */
const kThreaded = ['board', 'dtls', 'load_meter', 'port_pool', 'server', 'session', 'spsc_queue'];
/** Calls over the sanitized worker: protected legs, NAT, workers that die and hang. test:long has the other files too. */
const kCalls = ['test/integration/media-srtp.test.ts', 'test/integration/media-handover.test.ts'];

/** The worker cannot be traced (PR_SET_DUMPABLE), which the search for leaks needs; root may all the same. */
const kLeaks = process.getuid?.() === 0 ? 1 : 0;
const kOptions = {
  ASAN_OPTIONS: `detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=${kLeaks}`,
  UBSAN_OPTIONS: 'print_stacktrace=1',
  TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1',
};

export function folderOf(sanitizers: Sanitizers): string {
  return `build/native-${sanitizers.replaceAll(',', '-')}`;
}

/** What makes tests of the media worker run on the sanitized one. */
export function onWorker(sanitizers: Sanitizers): NodeJS.ProcessEnv {
  return {
    ...kOptions,
    HUSHPAY_TEST_MEDIA_WORKER: join(process.cwd(), folderOf(sanitizers), 'hushpay-media'),
  };
}

/** Beside the other runners: they wait for clocks and leave most of the machine idle. */
export function sanitizerRunners(scratch: string): Runner[] {
  return [...sanitized('address,undefined', scratch), fuzzing(), ...sanitized('thread', scratch)];
}

function sanitized(sanitizers: Sanitizers, scratch: string): Runner[] {
  const [name] = sanitizers.split(',') as [string];
  const suites = sanitizers === 'thread' ? ['--suites', kThreaded.join(',')] : [];
  const tests = native(`native, ${name}`, folderOf(sanitizers), join(scratch, `native-${name}.xml`));
  const files = ['--project', 'integration', ...kCalls];
  const calls = vitest(`calls, ${name}`, files, join(scratch, `calls-${name}.json`));
  return [
    { name: `build, ${name}`, command: 'sh', args: ['native/build.sh', '--sanitize', sanitizers, ...suites] },
    { ...tests, env: kOptions },
    { ...calls, env: { ...calls.env, ...onWorker(sanitizers) } },
  ].map((runner) => ({ ...runner, beside: true }));
}

function fuzzing(): Runner {
  return { name: 'fuzz', command: kNode, args: ['tools/test/fuzz.ts'], tally: fuzzTally, beside: true };
}
