import { readFileSync } from 'node:fs';
import { setTimeout as later } from 'node:timers/promises';
import { type SessionView, type Setting, startSetting } from '../../src/cli/demo/setting.ts';
import { Caller, type CallerOptions } from '../../src/phone/caller.ts';
import type { Step } from '../../src/phone/script.ts';
import { headerOf } from '../../src/phone/sip-message.ts';
import type { PromptId } from '../../src/ports/prompt-ids.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';

const kPatienceMs = 100_000;

interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Call data that is enough for a payment. */
export const kPayHeaders: Readonly<Record<string, string>> = {
  'X-Pay-Customer-Id': 'C-1001',
  'X-Pay-Amount': '50.25',
  'X-Pay-Currency': 'USD',
};

/** A server with its children, the bank it pays at, and callers; stop() ends all of them. */
export class PaymentLab {
  readonly setting: Setting;
  /** Every prompt the server began, in order. */
  readonly prompts: PromptId[];
  readonly #lines: LogLine[];
  readonly #callers: Caller[] = [];

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<PaymentLab> {
    const lines: LogLine[] = [];
    const prompts: PromptId[] = [];
    const setting = await startSetting({
      clock: kSystemClock,
      environment: { HUSHPAY_LOG_LEVEL: 'debug', ...environment },
      onLogLine: (line) => lines.push(JSON.parse(line) as LogLine),
      onPhrase: (phrase) =>
        prompts.push(...phrase.flatMap((part) => (part.say === 'prompt' ? [part.id] : []))),
    });
    return new PaymentLab(setting, lines, prompts);
  }

  private constructor(setting: Setting, lines: LogLine[], prompts: PromptId[]) {
    this.setting = setting;
    this.#lines = lines;
    this.prompts = prompts;
  }

  /** The whole log as it lies in its file. */
  get log(): string {
    return readFileSync(this.setting.logFile, 'utf8');
  }

  get payUri(): string {
    return `sip:pay@${this.setting.sip.host}:${this.setting.sip.port}`;
  }

  async caller(options: Partial<CallerOptions> = {}): Promise<Caller> {
    const caller = await Caller.open({ clock: kSystemClock, server: this.setting.sip, ...options });
    this.#callers.push(caller);
    return caller;
  }

  /** A caller whose payment call has been answered. */
  async answered(
    options: Partial<CallerOptions> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Caller> {
    const caller = await this.caller(options);
    const dialled = await caller.dial(this.payUri, { ...kPayHeaders, ...headers });
    if (dialled.kind === 'refused') throw new Error(`refused: ${dialled.response.startLine}`);
    return caller;
  }

  /** Waits until the caller's conversation has come to a stage, however often it was there before this step. */
  atStage(caller: Caller, stage: string): Step {
    return {
      when: (signal) => {
        const isThere = ({ msg, callId, to }: LogLine) =>
          msg === 'stage' && callId === caller.call.callId && to === stage;
        const before = this.#lines.filter(isThere).length;
        const isNow = this.#lines.findLast(
          ({ msg, callId }) => msg === 'stage' && callId === caller.call.callId,
        );
        if (isNow?.['to'] === stage) return Promise.resolve();
        return until(() => this.#lines.filter(isThere).length > before, `stage ${stage}`, signal);
      },
    };
  }

  /** The record of the caller's session, once it is closed. */
  async record(caller: Caller): Promise<SessionView> {
    const line = this.#lines.find((each) => each['callId'] === caller.call.callId && 'sessionId' in each);
    const id = String(line?.['sessionId']);
    const signal = AbortSignal.timeout(kPatienceMs);
    for (;;) {
      const view = await this.setting.session(id);
      if (view && view.result !== null) return view;
      await later(20, undefined, { signal });
    }
  }

  /** How many key presses the server has counted, each once whatever carried it. */
  async pressCount(): Promise<number> {
    const text = await this.metrics();
    const samples = [...text.matchAll(/^dtmf_digits_total\S* (\d+)$/gm)];
    return samples.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.setting.server.httpUrl}/metrics`)).text();
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`${this.setting.server.httpUrl}/readyz`)).ok;
  }

  /** Process id of the newest child of that name. */
  childPid(name: string): number {
    const line = this.#lines.findLast(({ child, msg }) => child === name && msg === 'child process is up');
    return Number(line?.['pid']);
  }

  /** Waits for a line of the log; those of before count. */
  logged(msg: string, fields: Readonly<Record<string, unknown>>, times = 1): Promise<void> {
    const fits = (line: LogLine) =>
      line.msg === msg && Object.entries(fields).every(([name, value]) => line[name] === value);
    return until(() => this.#lines.filter(fits).length >= times, `"${msg}" in the log`);
  }

  /** Everything that leaves the server and could be read by somebody: log, metrics, database. */
  async traces(): Promise<string> {
    const { dataDir } = this.setting.config;
    const files = ['hushpay.sqlite', 'hushpay.sqlite-wal'].map((name) => readIfThere(`${dataDir}/${name}`));
    return [this.log, await this.metrics(), ...files].join('\n');
  }

  async stop(): Promise<void> {
    await this.setting.stop(); // says BYE to calls that are still up
    for (const caller of this.#callers) caller.close();
  }
}

/** The keys of a payment whose prompts are all cut short, up to the one that submits it. */
export function hurriedKeys(pan: string): readonly Step[] {
  const year = (new Date().getFullYear() + 2) % 100;
  const expiry = `12${String(year).padStart(2, '0')}`;
  return [`${pan}#`, expiry, '123', '1'].map((keys) => ({ speakOver: keys }));
}

/** The headers of what ended the call. */
export async function resultOf(caller: Caller): Promise<Readonly<Record<string, string | undefined>>> {
  const { by, message } = await caller.call.ended;
  const header = (name: string) => message && headerOf(message, name);
  return {
    by,
    result: header('X-Pay-Result'),
    transaction: header('X-Pay-Transaction'),
    session: header('X-Pay-Session'),
    userToUser: header('User-to-User'),
  };
}

/** Looks every 10 ms whether it is so. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  signal: AbortSignal = AbortSignal.timeout(kPatienceMs),
): Promise<void> {
  while (!(await condition())) {
    if (signal.aborted) throw new Error(`in vain: ${what}`);
    await later(10);
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
