import Database from 'better-sqlite3';
import { searchAudio } from '../../src/cli/sweep/agents-audio.ts';
import { kMark } from '../../src/cli/sweep/marked-card.ts';
import { type Course, pay } from '../../src/cli/sweep/payment.ts';
import { searchFiles } from '../../src/cli/sweep/places.ts';
import { spellingsOf } from '../../src/cli/sweep/spellings.ts';
import { StageFeed } from '../../src/cli/sweep/stage-feed.ts';
import type { CardRule } from '../../src/gateway/simulator-cards.ts';
import type { RtpPacket } from '../../src/phone/rtp-packet.ts';
import type { RtpPhone } from '../../src/phone/rtp-phone.ts';
import { randomFrom } from './mutation.ts';
import { until } from './payment-lab.ts';
import { holdingOf, orderOf, type Part, Trial } from './trial.ts';

const kParts: readonly Part[] = ['control', 'edge', 'worker'];
const kSpellings = spellingsOf(kMark);
/** Questions and answers that twenty payments come to; at one of them somebody dies, however fast the machine is. */
const kMostSteps = 260;
const kLatestKillMs = 400; // from that step on
const kStepOfDeath = 60;
const kStepOfEnd = 110; // all calls are up, no payment is made
const kLatestCallMs = 1_500;
const kSlowestBankMs = 2_000;
const kSamplesPerMs = 8;
const kTurnedAway = 'SIP/2.0 503'; // it came while there was no worker
const kPasses = 4; // calls that pass through: telephones behind us
/** Twenty calls. Four of them have an agent of ours, four are passed to one behind us. */
const kTopologies = [
  ...(['ivr', 'ivr', 'guest', 'conference', 'inline'] as const),
  ...(['ivr', 'ivr', 'guest', 'conference', 'inline'] as const),
  ...(['ivr', 'ivr', 'ivr', 'conference', 'inline'] as const),
  ...(['ivr', 'ivr', 'ivr', 'conference', 'inline'] as const),
];
const kCourses: readonly Course[] = [
  'approved',
  'approved',
  'approved',
  'approved',
  'declined',
  'mistyped',
  'cancelled',
];

export interface KillOutcome {
  readonly seed: number;
  readonly part: Part;
  /** Steps all payments together had gone when it was killed. */
  readonly atStep: number;
  /** How sessions ended, by result. */
  readonly results: Readonly<Record<string, number>>;
  /** Charges that stand. */
  readonly charges: number;
  /** From the kill until a new call was answered. */
  readonly backMs: number;
  /** From the kill until every session had ended, or was seen to go on; of a worker: 0. */
  readonly trueMs: number;
  /** The longest silence in what a customer of a running call received, in ms of its own clock. */
  readonly gapMs: number;
}

export interface DrainOutcome {
  /** What a call got that came while the server drained. */
  readonly refused: Awaited<ReturnType<Trial['tryCall']>>;
  readonly failures: readonly string[];
  readonly exit: number | NodeJS.Signals;
  readonly results: KillOutcome['results'];
  readonly gapMs: number;
}

interface SessionRow {
  readonly id: string;
  readonly ref: string;
  readonly result: string | null;
}

interface AttemptRow {
  readonly ref: string;
  readonly state: string;
}

/** A server whose processes are killed while twenty calls pay. Every run has a seed, and goes the same way again with it as far as machines do. */
export class KillBench {
  readonly #trial: Trial;
  readonly #bank: { random: () => number };
  #known = new Set<string>();

  static async open(): Promise<KillBench> {
    const environment = { HUSHPAY_MEDIA_PORT_REST_MS: '1000' };
    const bank = { random: randomFrom(0) };
    const rule = (amountMinor: number) => ruleOf(amountMinor, bank.random);
    return new KillBench(await Trial.start({ phones: kPasses, rule, environment }), bank);
  }

  private constructor(trial: Trial, bank: { random: () => number }) {
    this.#trial = trial;
    this.#bank = bank;
  }

  /** Open files of all processes. */
  get openFiles(): number {
    return kParts.reduce((sum, part) => sum + holdingOf(this.#trial.pidOf(part) ?? 0).files, 0);
  }

  /**
   * @param part - which process dies; by chance if left out.
   * @param step - when; by chance if left out.
   * @throws Error that names the seed, of the first promise that was broken.
   */
  async run(seed: number, part?: Part, step?: number): Promise<KillOutcome> {
    const random = randomFrom(seed);
    this.#bank.random = randomFrom(~seed);
    const chosen = part ?? kParts[Math.floor(random() * kParts.length)] ?? 'control';
    const atStep = step ?? Math.floor(random() * kMostSteps);
    try {
      return await this.#run(seed, chosen, atStep, random);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`seed ${seed}: ${chosen} killed at step ${atStep}: ${why}`, { cause });
    }
  }

  /** The worker dies, and a while later the server is told to end: neither costs a call. */
  async drain(seed: number): Promise<DrainOutcome> {
    const trial = this.#trial;
    const random = randomFrom(seed);
    const feed = await StageFeed.open(trial.httpUrl, trial.key);
    const calls = new Calls(trial, feed, random);
    await calls.atStep(kStepOfDeath);
    trial.kill('worker');
    await calls.atStep(kStepOfEnd);
    process.kill(trial.pid, 'SIGTERM');
    await until(async () => !(await trial.isReady()), 'not ready');
    const refused = await trial.tryCall();
    const failures = await calls.over;
    feed.close();
    const exit = await trial.ended;
    const results = this.#judgeBooks(true);
    await this.#judgeLeaks(calls);
    return { refused, failures, exit, results, gapMs: calls.longestGapMs };
  }

  close(): Promise<void> {
    return this.#trial.stop();
  }

  async #run(seed: number, part: Part, atStep: number, random: () => number): Promise<KillOutcome> {
    const trial = this.#trial;
    const feed = await StageFeed.open(trial.httpUrl, trial.key);
    const calls = new Calls(trial, feed, random);
    await Promise.race([calls.atStep(atStep), calls.over]);
    await sleep(random() * kLatestKillMs);
    const killedAtMs = performance.now();
    const killedAtStep = calls.steps;
    const before = trial.kill(part);
    if (part === 'control') await this.#startAgain(feed);
    await until(() => trial.isReady(), 'ready again');
    await until(async () => (await trial.tryCall()).status === 200, 'a new call is taken');
    const backMs = performance.now() - killedAtMs;
    if (trial.pidOf(part) === before) throw new Error(`${part} is the process it was`);
    const survived = part === 'worker';
    if (!survived) await until(() => this.#allEnded(), 'every session has ended');
    const trueMs = survived ? 0 : performance.now() - killedAtMs;
    const failures = await calls.over;
    feed.close();
    const lost = failures.filter((failure) => !failure.includes(kTurnedAway));
    if (survived && lost.length > 0) throw new Error(`calls did not survive: ${lost.join('; ')}`);
    await until(() => this.#isQuiet(), 'nothing is left of the calls');
    const results = this.#judgeBooks(survived);
    await this.#judgeLeaks(calls);
    return {
      ...{ seed, part, atStep: killedAtStep, results, charges: this.#standing(), backMs: Math.round(backMs) },
      ...{ trueMs: Math.round(trueMs), gapMs: survived ? calls.longestGapMs : 0 },
    };
  }

  async #startAgain(feed: StageFeed): Promise<void> {
    await this.#trial.ended;
    feed.close();
    await this.#trial.launch();
  }

  #allEnded(): boolean {
    return this.#sessions().every(({ result }) => result !== null);
  }

  /** No call, no session, no dialog, and nothing that nobody knows the outcome of. */
  async #isQuiet(): Promise<boolean> {
    const trial = this.#trial;
    const open = this.#attempts().some(({ state }) => state === 'SUBMITTING' || state === 'UNKNOWN');
    if (open || !this.#allEnded()) return false;
    const alive = await Promise.all([
      trial.metric('sip_calls_active'),
      trial.metric('media_sessions'),
      trial.metric('sip_edge_objects', '"dialogs"'),
    ]);
    return alive.every((count) => count === 0);
  }

  /** Bank and journal say the same of every payment, and no payment was charged twice. @returns how sessions ended, by result. */
  #judgeBooks(survived: boolean): Record<string, number> {
    const { bank } = this.#trial;
    const sessions = this.#sessions();
    const attempts = this.#attempts();
    for (const { ref, id } of sessions) {
      const standing = bank.bank.netCharges(ref);
      const approved = attempts.filter((each) => each.ref === ref && each.state === 'APPROVED').length;
      if (standing > 1) throw new Error(`session ${id} was charged ${standing} times`);
      if (standing !== approved)
        throw new Error(`session ${id}: ${standing} charges, ${approved} approved in the journal`);
    }
    const refs = new Set(sessions.map(({ ref }) => ref));
    const strange = this.#trial.ledger().filter(({ paymentRef }) => !refs.has(paymentRef));
    if (strange.length > 0) throw new Error(`${strange.length} payments at the bank that nobody here knows`);
    const fresh = sessions.filter(({ id }) => !this.#known.has(id));
    this.#known = new Set(sessions.map(({ id }) => id));
    const results: Record<string, number> = {};
    for (const { result } of fresh) results[result ?? 'open'] = (results[result ?? 'open'] ?? 0) + 1;
    if (survived && results['SYSTEM_ERROR']) throw new Error(`calls broke: ${JSON.stringify(results)}`);
    return results;
  }

  #standing(): number {
    return this.#sessions().reduce((sum, { ref }) => sum + this.#trial.bank.bank.netCharges(ref), 0);
  }

  /** No key in what agents heard, no card number in any file, nothing left for others to clean up. */
  async #judgeLeaks(calls: Calls): Promise<void> {
    const heard = await searchAudio(calls.takeAgentsAudio(), this.#trial.dataDir);
    const places = [...heard, ...searchFiles(this.#trial, kSpellings)].filter(({ found }) => found.size > 0);
    if (places.length > 0)
      throw new Error(places.map(({ where, found }) => `${where}: ${[...found.keys()]}`).join('; '));
    if (this.#trial.temporaryFiles.length > 0)
      throw new Error(`left: ${this.#trial.temporaryFiles.join(', ')}`);
  }

  #sessions(): readonly SessionRow[] {
    return this.#rows('SELECT session_id AS id, payment_ref AS ref, result FROM session') as SessionRow[];
  }

  #attempts(): readonly AttemptRow[] {
    return this.#rows('SELECT payment_ref AS ref, state FROM attempt') as AttemptRow[];
  }

  #rows(query: string): unknown[] {
    const database = new Database(this.#trial.storeFile, { readonly: true });
    try {
      return database.prepare(query).all();
    } finally {
      database.close();
    }
  }
}

/** Twenty payments that begin within a moment, and what their telephones hear. */
class Calls {
  /** Resolves when all of them are over, with what went wrong on the callers' side. */
  readonly over: Promise<readonly string[]>;
  readonly #trial: Trial;
  readonly #customers: RtpPhone[] = [];
  readonly #agents: RtpPhone[] = [];
  #steps = 0;
  #awaited: { readonly step: number; readonly come: () => void } | undefined;

  constructor(trial: Trial, feed: StageFeed, random: () => number) {
    this.#trial = trial;
    let phones = 0;
    const paying = kTopologies.map((topology) => {
      const phone = topology === 'inline' ? phones++ : -1;
      const course = kCourses[Math.floor(random() * kCourses.length)] ?? 'approved';
      const carrier = random() < 0.5 ? 'event' : 'tone';
      return this.#pay(feed, orderOf({ topology, phone, course, carrier }), random() * kLatestCallMs);
    });
    this.over = Promise.all(paying).then((failures) => failures.filter((each) => each !== ''));
  }

  /** Stages that customers came to, all of them together. */
  get steps(): number {
    return this.#steps;
  }

  /** Resolves at the n-th step. */
  atStep(step: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (step <= this.#steps) resolve();
    else this.#awaited = { step, come: resolve };
    return promise;
  }

  /** Packets say by their timestamps how long nothing was sent. */
  get longestGapMs(): number {
    return Math.max(0, ...this.#customers.map(({ packets }) => longestGapMs(packets)));
  }

  /** Taken: those that stay are telephones of later calls too. */
  takeAgentsAudio(): readonly (readonly RtpPacket[])[] {
    const phones = [...this.#agents, ...this.#trial.phones.map(({ rtp }) => rtp)];
    return phones.map(({ packets }) => packets.splice(0)).filter(({ length }) => length > 0);
  }

  async #pay(feed: StageFeed, order: Parameters<typeof pay>[2], delayMs: number): Promise<string> {
    await sleep(delayMs);
    try {
      await pay(
        this.#trial,
        feed,
        order,
        () => this.#step(),
        (role, phone) => (role === 'agent' ? this.#agents : this.#customers).push(phone),
      );
      return '';
    } catch (error) {
      if (order.phone >= 0) this.#trial.phones[order.phone]?.hangUp();
      return `${order.topology}, ${order.course}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  #step(): void {
    this.#steps++;
    if (this.#awaited && this.#steps >= this.#awaited.step) this.#awaited.come();
  }
}

/** Payments stay under way for a while, so that a kill finds some of them there. */
function ruleOf(amountMinor: number, random: () => number): CardRule {
  if (amountMinor === 1313) return { kind: 'decline', class: 'soft', code: '05' };
  return { kind: 'slow', delayMs: Math.round(random() * kSlowestBankMs) };
}

function longestGapMs(packets: readonly RtpPacket[]): number {
  return packets.reduce((longest, packet, index) => {
    const before = packets[index - 1];
    if (!before || before.ssrc !== packet.ssrc) return longest;
    return Math.max(longest, ((packet.timestamp - before.timestamp) | 0) / kSamplesPerMs);
  }, 0);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
