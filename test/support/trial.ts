import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PaymentOrder } from '../../src/cli/sweep/payment.ts';
import { greeted, type Site } from '../../src/cli/sweep/site.ts';
import { type LedgerEntry, SimulatorBank } from '../../src/gateway/simulator-bank.ts';
import type { CardRule } from '../../src/gateway/simulator-cards.ts';
import { type SimulatorServer, startSimulatorServer } from '../../src/gateway/simulator-server.ts';
import { AnsweringPhone } from '../../src/phone/answering-phone.ts';
import { Caller } from '../../src/phone/caller.ts';
import { headerOf } from '../../src/phone/sip-message.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { commandWith } from './own-view.ts';

const kHushpay = fileURLToPath(new URL('../../bin/hushpay', import.meta.url));
const kKey = 'key-of-the-trial';
const kDialledFirst = 1000;
const kMediaPorts = 2000; // a port rests for a while behind a call
/** Below the ports of telephones and of the system: what a dead worker had is nobody else's when the next one comes. */
const kLowestPort = 4_000;
const kHighestPort = 20_000;

export interface TrialOptions {
  /** Telephones behind us, for calls that pass through. */
  readonly phones?: number;
  /** … which are known by this name. */
  readonly phonesBy?: string;
  /** What the bank does with a payment. */
  readonly rule?: (amountMinor: number) => CardRule;
  /** Calls the trunk may have at a time; null: any number. */
  readonly concurrentCalls?: number | null;
  readonly environment?: NodeJS.ProcessEnv;
  /** Its data lie on a disk of so many bytes that only it sees. */
  readonly disk?: number;
  /** Address of the resolver that the system has, as only it sees it; port 53. */
  readonly resolver?: string;
  /** The bank speaks https, and is found by this name. */
  readonly bankBy?: {
    readonly name: string;
    readonly cert: string;
    readonly key: string;
    readonly ca: string;
  };
}

/** How a start differs from the others. */
export interface Launch {
  readonly environment?: NodeJS.ProcessEnv;
  /** The disk of its data takes no writes. */
  readonly isReadOnly?: boolean;
}

/** One of the three processes of a server. */
export type Part = 'control' | 'edge' | 'worker';

/** What a process has open, and how much memory. */
export interface Holding {
  readonly rssMb: number;
  readonly files: number;
  readonly threads: number;
}

/**
 * A server that bad things happen to, in processes of its own: whatever dies may be started again on the same ports and the same data,
 * before a bank that outlives it. stop() ends all of it and takes the files away.
 */
export class Trial implements Site {
  readonly key = kKey;
  readonly told = [];
  readonly phones: readonly AnsweringPhone[];
  /** Of everything the server leaves: data, log, temporary files. */
  readonly dataDir: string;
  readonly logFile: string;
  readonly bank: SimulatorServer;
  readonly #options: TrialOptions;
  readonly #temporary: string;
  #child: ChildProcess | undefined;
  #httpUrl = '';
  #sipPort = 0;
  #mediaPorts = mediaPorts();
  ended: Promise<number | NodeJS.Signals> = Promise.resolve(0);

  static async start(options: TrialOptions = {}): Promise<Trial> {
    const rule = options.rule;
    const bank = new SimulatorBank(
      kSystemClock,
      rule ? { ruleFor: (_, amountMinor) => rule(amountMinor) } : {},
    );
    const server = await startSimulatorServer({
      ...{ host: '127.0.0.1', port: 0, clock: kSystemClock, bank },
      ...(options.bankBy && { tls: options.bankBy }),
    });
    const phones = await Promise.all(
      Array.from({ length: options.phones ?? 0 }, () => AnsweringPhone.open()),
    );
    const trial = new Trial(options, server, phones);
    await trial.launch();
    return trial;
  }

  private constructor(options: TrialOptions, bank: SimulatorServer, phones: readonly AnsweringPhone[]) {
    this.#options = options;
    this.bank = bank;
    this.phones = phones;
    this.dataDir = mkdtempSync(join(tmpdir(), 'hushpay-trial-'));
    this.logFile = join(this.dataDir, 'server.log');
    this.#temporary = join(this.dataDir, 'tmp');
    mkdirSync(this.#temporary);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get httpUrl(): string {
    return this.#httpUrl;
  }

  get sip(): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: this.#sipPort };
  }

  get storeFile(): string {
    return join(this.#dataFolder, 'hushpay.sqlite');
  }

  /** Its data folder as the server sees it, which may have a disk of its own there. */
  get insideView(): string {
    return `/proc/${this.pid}/root${this.#dataFolder}`;
  }

  get recordings(): string {
    return join(this.#dataFolder, 'recordings');
  }

  get #dataFolder(): string {
    return join(this.dataDir, 'data');
  }

  /** What the server has left in its folder for temporary files. */
  get temporaryFiles(): readonly string[] {
    return readdirSync(this.#temporary);
  }

  dialled(phone: number): string {
    return String(kDialledFirst + phone);
  }

  ledger(): readonly LedgerEntry[] {
    return this.bank.ledger();
  }

  /** Resolves when it takes calls; on the ports it had before. */
  async launch(launch: Launch = {}): Promise<void> {
    mkdirSync(this.#dataFolder, { recursive: true });
    const [command = '', ...args] = [...this.#view(launch), kHushpay, 'serve'];
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: this.#temporary, // where programs leave what they have to say when they die
      env: { ...process.env, ...this.#settings(), ...this.#options.environment, ...launch.environment },
    });
    this.#child = child;
    this.ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
    const { httpUrl, sip } = await greeted(child, this.logFile);
    this.#httpUrl = httpUrl;
    this.#sipPort = sip.port;
  }

  /** Process id of a part that runs; undefined while there is none. */
  pidOf(part: Part): number | undefined {
    if (part === 'control') return this.pid;
    const name = part === 'edge' ? /edge\/main\.ts/ : /hushpay-media/;
    return childrenOf(this.pid).find((pid) => name.test(commandOf(pid)));
  }

  /** As the kernel does it when memory is short. @returns the id it had. */
  kill(part: Part): number {
    const pid = this.pidOf(part);
    if (pid === undefined) throw new Error(`there is no ${part}`);
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  /** Sets a limit of a process that runs; what it has already stays. @param most - `unlimited`, or a number. */
  limit(part: Part, resource: 'nofile' | 'as' | 'data', most: number | 'unlimited'): void {
    const soft = `--${resource}=${most}:`; // the hard one stays
    execFileSync('prlimit', [`--pid=${this.pidOf(part) ?? 0}`, soft]);
  }

  /** No page more than it has: neither address space, nor what a heap has reserved in it and not used yet. */
  exhaustMemory(part: Part): void {
    for (const resource of ['as', 'data'] as const) this.limit(part, resource, 1);
  }

  /** No descriptor more than it has: a new one would be the lowest that is free. @returns what lifts it again. */
  exhaustFiles(part: Part): () => void {
    const pid = this.pidOf(part) ?? 0;
    const [, before = ''] = /^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8')) ?? [];
    const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
    let free = 0;
    while (open.has(free)) free++;
    this.limit(part, 'nofile', free);
    return () => this.limit(part, 'nofile', Number(before));
  }

  /** Lines of the log that say this. */
  logged(message: string): readonly Readonly<Record<string, unknown>>[] {
    return readFileSync(this.logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes(`"msg":"${message}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async ready(): Promise<{
    readonly ready: boolean;
    readonly checks: Readonly<Record<string, { reason?: string }>>;
  }> {
    const response = await fetch(`${this.#httpUrl}/readyz`);
    return (await response.json()) as Awaited<ReturnType<Trial['ready']>>;
  }

  async isReady(): Promise<boolean> {
    return (await this.ready().catch(() => undefined))?.ready === true;
  }

  /** @returns what the API answers; undefined where it has nothing of that name. */
  async get(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const response = await fetch(`${this.#httpUrl}${path}`, { headers: { authorization: `Bearer ${kKey}` } });
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status}`);
    return (await response.json()) as Record<string, unknown>;
  }

  /** Sum of the samples of a metric whose labels hold this. */
  async metric(name: string, label = ''): Promise<number> {
    return sumOf(await (await fetch(`${this.#httpUrl}/metrics`)).text(), name, label);
  }

  /** Places one call and hangs up. @returns the status of the answer, and its Retry-After. */
  async tryCall(): Promise<{ readonly status: number; readonly retryAfter: string | undefined }> {
    const caller = await Caller.open({ clock: kSystemClock, server: this.sip });
    try {
      const dialled = await this.dial(caller);
      if (dialled.kind === 'answered') return { status: 200, retryAfter: undefined };
      return { status: dialled.response.status, retryAfter: headerOf(dialled.response, 'Retry-After') };
    } finally {
      await caller.leave();
    }
  }

  /** Calls to pay; the owner of the caller has it leave. */
  dial(caller: Caller): ReturnType<Caller['dial']> {
    return caller.dial(`sip:pay@127.0.0.1:${this.#sipPort}`, kCallData);
  }

  /** It ends as an operator ends it, without waiting for calls. */
  async end(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    child.kill('SIGTERM'); // the second one waits for no call
    await this.ended;
  }

  /** A second stop does nothing. */
  async stop(): Promise<void> {
    if (!existsSync(this.dataDir)) return;
    await this.end();
    for (const phone of this.phones) phone.close();
    await this.bank.close();
    rmSync(this.dataDir, { recursive: true });
  }

  /** The machine as only the server sees it. */
  #view({ isReadOnly = false }: Launch): readonly string[] {
    const { disk, resolver } = this.#options;
    const folder = this.#dataFolder;
    const own = { disk: disk ? { folder, bytes: disk } : undefined, resolver };
    return commandWith({ ...own, readOnly: isReadOnly ? folder : undefined }, this.dataDir);
  }

  #gateway(): NodeJS.ProcessEnv {
    const { bankBy } = this.#options;
    if (!bankBy) return { HUSHPAY_GATEWAY_URL: this.bank.url };
    const url = new URL(this.bank.url);
    url.hostname = bankBy.name;
    const caFile = join(this.dataDir, 'ca.pem');
    writeFileSync(caFile, bankBy.ca);
    return { HUSHPAY_GATEWAY_URL: url.href, HUSHPAY_GATEWAY_CA_FILE: caFile };
  }

  #settings(): NodeJS.ProcessEnv {
    const { concurrentCalls = null } = this.#options;
    const rights = { maySetAmounts: true, mayBeReferred: true };
    const trunk = { name: 'lab', sources: ['127.0.0.0/8'], ...rights, limits: { concurrentCalls } };
    const routes = this.phones.map(({ uri }, index) => ({
      dialled: this.dialled(index),
      target: uri.replace('127.0.0.1', this.#options.phonesBy ?? '127.0.0.1'),
      through: 'lab',
    }));
    return {
      HUSHPAY_SIP_PORT: String(this.#sipPort),
      HUSHPAY_HTTP_PORT: this.#httpUrl === '' ? '0' : new URL(this.#httpUrl).port,
      HUSHPAY_MEDIA_PORTS: this.#mediaPorts,
      HUSHPAY_DATA_DIR: this.#dataFolder,
      TMPDIR: this.#temporary,
      HUSHPAY_API_KEY: kKey,
      HUSHPAY_API_REQUESTS_PER_MINUTE: '100000',
      HUSHPAY_LOG_LEVEL: 'info',
      HUSHPAY_GATEWAY_TYPE: 'rest',
      ...this.#gateway(),
      HUSHPAY_GATEWAY_TIMEOUT_MS: '15000',
      HUSHPAY_PAYMENT_CARDS_ALLOWED: JSON.stringify(['maestro']),
      HUSHPAY_SIP_TRUNKS: JSON.stringify([trunk]),
      HUSHPAY_INLINE_ROUTES: JSON.stringify(routes),
      // One card, one customer: what limits are for.
      HUSHPAY_VELOCITY_CARD_DECLINES: '0',
      HUSHPAY_VELOCITY_CUSTOMER_DECLINES: '0',
      HUSHPAY_VELOCITY_CALLER_DECLINES: '0',
    };
  }
}

const kCallData = { 'X-Pay-Customer-Id': 'C-1001', 'X-Pay-Amount': '50.25', 'X-Pay-Currency': 'USD' };

/** @param phone - of {@link Trial.phones}, for a call that passes through. */
export function orderOf(order: Partial<PaymentOrder>): PaymentOrder {
  return { topology: 'ivr', course: 'approved', carrier: 'event', phone: -1, ...order };
}

export function holdingOf(pid: number): Holding {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const figure = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    rssMb: Math.round((figure('VmRSS') / 1024) * 100) / 100,
    files: readdirSync(`/proc/${pid}/fd`).length,
    threads: figure('Threads'),
  };
}

/** @param text - what /metrics says. */
export function sumOf(text: string, name: string, label = ''): number {
  const samples = text
    .split('\n')
    .filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)));
  return samples
    .filter((line) => line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // it has gone
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

const kStretches = (kHighestPort - kLowestPort) / kMediaPorts;
let stretch = Math.floor(Math.random() * kStretches);

/** A stretch of the range that no server of this process has, and others of this machine are unlikely to; the worker passes over busy ports. */
function mediaPorts(): string {
  stretch = (stretch + 1) % kStretches;
  const min = kLowestPort + stretch * kMediaPorts;
  return `${min}-${min + kMediaPorts - 1}`;
}
