import type { ProfileName } from '../../dialog/policy.ts';
import type { LedgerEntry } from '../../gateway/simulator-bank.ts';
import type { LadderRow } from '../../ladder/row.ts';
import { AnsweringPhone } from '../../phone/answering-phone.ts';
import { Caller } from '../../phone/caller.ts';
import type { CallEnd } from '../../phone/phone-call.ts';
import type { KeyCarrier } from '../../phone/script.ts';
import { headerOf } from '../../phone/sip-message.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Topology } from '../../ports/payment-sessions.ts';
import type { SipHeaders } from '../../ports/signaling.ts';
import { loadCatalog } from '../../prompt/catalog.ts';
import { kBrandNames } from '../../prompt/words.ts';
import { CalledAgent, DemoAgent, passingTo, prepare } from './agent.ts';
import { Overheard } from './overheard.ts';
import { callerScript, type Scenario } from './scenario.ts';
import type { Screen } from './screen.ts';
import { type SessionView, type Setting, startSetting } from './setting.ts';
import { spokenText } from './spoken-text.ts';

export interface PlayOptions {
  readonly scenario: Scenario;
  readonly carrier: KeyCarrier;
  readonly profile: ProfileName;
  readonly topology: Topology;
  readonly screen: Screen;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What is left of the call once everything has stopped. */
export interface Played {
  readonly ladder: readonly LadderRow[];
  readonly end: CallEnd;
  readonly record: SessionView;
  readonly ledger: readonly LedgerEntry[];
  readonly callS: string;
}

const kHeaders = {
  'X-Pay-Customer-Id': 'C-1001',
  'X-Pay-Reference': 'INV-2041',
  'X-Pay-Amount': '50.25',
  'X-Pay-Currency': 'USD',
};

/** A session that is prepared knows the rest. */
function headersFor(topology: Topology, sessionId: string | undefined): SipHeaders {
  if (sessionId === undefined) return kHeaders;
  return topology === 'inline' ? { 'X-Pay-Session': sessionId } : { 'X-Pay-Role': 'caller' };
}

/** Starts gateway and server, places the call, tells the screen what happens and stops everything, whatever goes wrong. */
export async function playCall(options: PlayOptions): Promise<Played> {
  const { carrier, profile, topology, screen, clock, signal } = options;
  await using undo = new AsyncDisposableStack();
  const overheard = new Overheard();
  const called = topology === 'inline' ? new CalledAgent(await AnsweringPhone.open(), screen) : undefined;
  if (called) undo.defer(() => called.phone.close());
  const setting = await startSetting({
    clock,
    environment: { HUSHPAY_PAYMENT_PROFILE: profile, ...(called && passingTo(called.phone)) },
    onPhrase: (phrase) => overheard.add(phrase),
    onLogLine: (line) => overheard.readLog(line),
  });
  undo.defer(() => setting.stop());
  screen.line('bank', `the simulator answers at ${setting.bank.url}`);
  const payUri = `sip:pay@${setting.sip.host}:${setting.sip.port}`;
  screen.line('server', `takes calls at ${payUri}`);
  const prepared = topology === 'ivr' ? undefined : await prepare(setting, topology);
  if (prepared) screen.line('api', `POST /v1/sessions: ${prepared.customerUri}`);
  const agentUri = prepared?.agentUri ?? null;
  const joined =
    agentUri === null ? undefined : await DemoAgent.join(setting, agentUri, topology, clock, screen);
  if (joined) undo.defer(() => joined.leave());
  const agent = joined ?? called;

  const onKey = (isDigit: boolean) => screen.key(isDigit);
  const caller = await Caller.open({ clock, server: setting.sip, carrier, onKey });
  undo.defer(() => caller.leave());
  const telling = tell(setting, overheard, screen);
  const startedMs = clock.now();
  await Promise.race([
    placeCall(
      caller,
      prepared?.customerUri ?? payUri,
      headersFor(topology, prepared?.id),
      options,
      overheard,
    ),
    whenAborted(signal),
  ]);
  if (agent) {
    await finalRecord(setting, overheard.sessionId ?? '', clock);
    await agent.hangUp(); // and with it the call is over for the customer too
  }
  const end = await caller.call.ended;
  const callS = ((clock.now() - startedMs) / 1000).toFixed(1);
  overheard.finish();
  await telling;
  screen.line(
    'caller',
    `the call is over: ${headerOf(end.message ?? { headers: [] }, 'X-Pay-Result') ?? 'no result'}`,
  );
  const record = await finalRecord(setting, overheard.sessionId ?? '', clock);
  return { ladder: caller.ladder.rows, end, record, ledger: setting.bank.ledger(), callS };
}

async function placeCall(
  caller: Caller,
  uri: string,
  headers: SipHeaders,
  { scenario, profile, topology, clock }: PlayOptions,
  overheard: Overheard,
): Promise<void> {
  const dialled = await caller.dial(uri, headers);
  if (dialled.kind === 'refused') throw new Error(`the call was refused: ${dialled.response.startLine}`);
  const said = (id: Parameters<Overheard['said']>[0]) => overheard.said(id);
  const isCvvConfirmed = topology === 'ivr' || topology === 'secure_transfer'; // no agent hears it
  const asked = { profile, isCvvConfirmed };
  await caller.follow(callerScript(scenario, asked, said, clock.date().getFullYear()));
  const isOverByItself = topology === 'ivr' || topology === 'guest';
  if (isOverByItself) await caller.follow([{ when: () => caller.call.ended }]);
}

/** Puts into writing what the caller hears, as it is begun. */
async function tell(setting: Setting, overheard: Overheard, screen: Screen): Promise<void> {
  const { locale, audioDir } = setting.config;
  const catalog = loadCatalog(audioDir, [locale]);
  let known: string | null = null;
  for await (const phrase of overheard.phrases()) {
    const view = overheard.sessionId === undefined ? undefined : await setting.session(overheard.sessionId);
    const last4 = view?.last4 ?? null;
    if (view?.brand && last4 !== null && known !== last4) {
      screen.line('card', `${kBrandNames[view.brand as keyof typeof kBrandNames]} ●●●● ●●●● ●●●● ${last4}`);
    }
    known = last4;
    screen.line('hears', `“${spokenText(phrase, catalog, locale, last4)}”`);
  }
}

const kRecordPatienceMs = 5_000;

/** The record is closed a moment after the call. */
async function finalRecord(setting: Setting, id: string, clock: Clock): Promise<SessionView> {
  const deadlineMs = clock.now() + kRecordPatienceMs;
  for (;;) {
    const view = await setting.session(id);
    if (view && (view.result !== null || clock.now() > deadlineMs)) return view;
    if (clock.now() > deadlineMs) throw new Error('the session has no record');
    await new Promise<void>((resolve) => void clock.schedule(20, resolve));
  }
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
