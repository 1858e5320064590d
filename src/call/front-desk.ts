import type { Log } from '../ports/log.ts';
import type {
  ActionResult,
  DialAction,
  PaymentSessions,
  PreparedSession,
  SessionAction,
  SessionRequest,
} from '../ports/payment-sessions.ts';
import type { IncomingCall } from '../ports/signaling.ts';
import { actOn, conflict } from './agent-actions.ts';
import { readCallData } from './call-data.ts';
import { HeldLegs } from './held-legs.ts';
import { InlineCall } from './inline-call.ts';
import { type FoundRoute, findRoute } from './inline-route.ts';
import { IvrCall, type IvrCallDeps, type OneLegTask } from './ivr-call.ts';
import { askedFor, type Prepared, PreparedSessions } from './prepared-sessions.ts';
import { RoomCall } from './room-call.ts';
import { isReserved } from './routes.ts';

const kPaymentUser = 'pay';
const kRetryAfterS = '5';

/** Where an INVITE leads. */
type Destination =
  | { readonly kind: 'one leg'; readonly task: OneLegTask }
  | { readonly kind: 'room'; readonly call: RoomCall }
  | { readonly kind: 'inline'; readonly found: FoundRoute; readonly prepared?: Prepared }
  /** In the place of a leg of ours. */
  | { readonly kind: 'replacing'; readonly replace: (incoming: IncomingCall) => Promise<void> }
  /** A customer who was sent away to be identified. */
  | { readonly kind: 'back'; readonly call: IvrCall | InlineCall }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  | { readonly kind: 'nobody' };

/**
 * Takes every INVITE: gives it to what was dialled, or refuses it. Knows the sessions that wait for their calls and the calls that
 * are up; lives as long as the server.
 */
export class FrontDesk implements PaymentSessions {
  readonly #deps: IvrCallDeps;
  readonly #log: Log;
  readonly #prepared: PreparedSessions;
  readonly #calls = new Map<string, IvrCall>();
  readonly #rooms = new Map<string, RoomCall>();
  /** By the name of the call, and of each payment in it. */
  readonly #inline = new Map<string, InlineCall>();
  /** INVITEs that are being served. */
  #legs = 0;
  #draining = false;
  #onEmpty: (() => void) | undefined;

  /** @param sipHost - host, and port where it is another than 5060, of the addresses it gives out. */
  constructor(deps: Omit<IvrCallDeps, 'legs' | 'addressOf'>, sipHost: () => string = () => 'localhost') {
    const addressOf = (user: string): string => `sip:${user}@${sipHost()}`;
    this.#deps = { ...deps, legs: new HeldLegs(deps.clock), addressOf };
    this.#log = deps.log;
    this.#prepared = new PreparedSessions(deps.clock);
  }

  get callCount(): number {
    const inline = new Set(this.#inline.values()).size;
    return (
      this.#calls.size + inline + [...this.#rooms.values()].filter(({ legCount }) => legCount > 0).length
    );
  }

  get draining(): boolean {
    return this.#draining;
  }

  prepare(request: SessionRequest): PreparedSession | undefined {
    const prepared = this.#prepared.add(request);
    if (!prepared) return undefined;
    const { id } = prepared;
    const { topology } = request;
    this.#log.info({ sessionId: id, topology }, 'payment session prepared');
    const { addressOf } = this.#deps;
    return {
      id,
      payUri: addressOf(`pay-${id}`),
      roomUri: isOfOneLeg(topology) ? null : addressOf(`room-${id}`),
    };
  }

  view(sessionId: string): object | undefined {
    const room = this.#rooms.get(sessionId);
    if (room) return room.view;
    const inline = this.#inline.get(sessionId);
    if (inline) return inline.view;
    const call = this.#calls.get(sessionId);
    if (call) return call.view;
    const prepared = this.#prepared.find(sessionId);
    if (!prepared) return undefined;
    const { topology, merchantId, agents = [] } = prepared.request;
    const asked = askedFor(prepared.request);
    return { topology, merchantId, agents, asked, state: 'prepared', parties: [], events: [] };
  }

  ids(): readonly string[] {
    const rooms = [...this.#rooms].filter(([, { legCount }]) => legCount > 0).map(([id]) => id);
    return [...this.#calls.keys(), ...rooms, ...this.#inline.keys()];
  }

  async act(sessionId: string, action: SessionAction, actor: string): Promise<ActionResult> {
    if (action.action === 'dial') return this.#dial(sessionId, action);
    const room = this.#rooms.get(sessionId);
    if (room) return room.act(action, actor);
    const inline = this.#inline.get(sessionId);
    if (inline) return inline.act(action, actor);
    const conversation = this.#calls.get(sessionId)?.session.conversation;
    if (conversation) return actOn(conversation, action, actor) ?? conflict('there is no agent on this call');
    if (!this.#prepared.find(sessionId)) return { kind: 'unknown_session' };
    if (action.action !== 'cancel') return conflict('nobody is on the line');
    this.#prepared.take(sessionId);
    return { kind: 'done' };
  }

  identified(sessionId: string, result: 'verified' | 'failed'): ActionResult {
    const call = this.#calls.get(sessionId) ?? this.#rooms.get(sessionId) ?? this.#inline.get(sessionId);
    if (!call && this.view(sessionId) === undefined) return { kind: 'unknown_session' };
    return call?.identified(result) ? { kind: 'done' } : conflict('nobody is being identified');
  }

  take(incoming: IncomingCall): void {
    const { meter } = this.#deps;
    meter.callStarted(incoming.trunk.name);
    const destination = this.#destinationOf(incoming);
    if (this.#draining && !isOfRunningCall(destination)) {
      this.#refuse(incoming, 503, 'Service Unavailable', 'draining');
      return;
    }
    switch (destination.kind) {
      case 'one leg':
        this.#serve(this.#runOneLeg(incoming, destination.task));
        break;
      case 'room':
        this.#serve(destination.call.join(incoming));
        break;
      case 'inline':
        this.#serve(this.#runInline(incoming, destination.found, destination.prepared));
        break;
      case 'replacing':
        this.#serve(destination.replace(incoming));
        break;
      case 'back':
        this.#serve(destination.call.comeBack(incoming));
        break;
      case 'refused':
        this.#refuse(incoming, destination.status, destination.reason, destination.reason.toLowerCase());
        break;
      case 'nobody':
        this.#log.info({ callId: incoming.callId }, 'nobody is reached by what was dialled');
        this.#refuse(incoming, 404, 'Not Found', 'not found');
    }
  }

  /** Ends every call that is up; {@link drain} resolves when they have ended. */
  abandon(): void {
    if (this.callCount > 0) this.#log.warn({ calls: this.callCount }, 'ending the calls that are still up');
    for (const call of this.#calls.values()) call.abandon();
    for (const room of this.#rooms.values()) room.abandon();
    for (const inline of new Set(this.#inline.values())) inline.abandon();
  }

  /** Takes no new call and resolves when the last one has ended. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#prepared.clear();
    if (this.#legs === 0) return;
    this.#log.info({ calls: this.callCount }, 'waiting for calls to end');
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  #destinationOf(incoming: IncomingCall): Destination {
    const { dialled, replaces } = incoming;
    if (replaces) {
      const found = this.#deps.legs.find(replaces, incoming.trunk);
      return found.kind === 'found' ? { kind: 'replacing', replace: found.replace } : found;
    }
    const named = /^(?:pay|room)-([\w-]+)$/.exec(dialled)?.[1];
    if (named !== undefined) return this.#sessionOf(named, incoming);
    if (dialled !== kPaymentUser) {
      const routed = this.#routed(incoming);
      if (routed.kind !== 'nobody' || !this.#deps.settings.merchants?.areDialled(dialled)) return routed;
    }
    const announced = incoming.header('X-Pay-Session')?.trim() ?? '';
    const session = this.#sessionOf(announced, incoming);
    if (session.kind !== 'nobody') return session; // one of another hushpay on the way is none of ours
    if (this.#isHandedOver(incoming)) return { kind: 'one leg', task: { topology: 'secure_transfer' } };
    // Another bridge conferences us in: agent and customer speak on this one leg.
    const isConference = incoming.header('X-Pay-Call-Type')?.trim().toLowerCase() === 'conference';
    return { kind: 'one leg', task: { topology: isConference ? 'guest' : 'ivr' } };
  }

  /** An agent waits elsewhere, reserved, for the caller to come back. */
  #isHandedOver(incoming: IncomingCall): boolean {
    const { data } = readCallData(incoming, this.#deps.settings.currency);
    return isReserved(data.returnUri);
  }

  /** A session prepared for it may be named by the call. */
  #routed(incoming: IncomingCall): Destination {
    const { inline, trunks } = this.#deps.settings;
    const found = findRoute(inline.routes, trunks, incoming);
    if (!found) return { kind: 'nobody' };
    const announced = incoming.header('X-Pay-Session')?.trim() ?? '';
    const prepared = this.#prepared.find(announced);
    const isInline =
      prepared?.request.topology === 'inline' || prepared?.request.topology === 'secure_transfer';
    if (!prepared || !isInline) return { kind: 'inline', found };
    this.#prepared.take(announced);
    return { kind: 'inline', found, prepared };
  }

  #sessionOf(id: string, incoming: IncomingCall): Destination {
    const running = this.#rooms.get(id);
    if (running) return { kind: 'room', call: running };
    const awaiting = this.#calls.get(id) ?? this.#inline.get(id);
    if (awaiting?.isAway) return { kind: 'back', call: awaiting };
    const prepared = this.#prepared.take(id);
    if (!prepared) return { kind: 'nobody' };
    const { topology } = prepared.request;
    const isAlone = topology === 'secure_transfer' && this.#isHandedOver(incoming);
    return isOfOneLeg(topology) || isAlone
      ? { kind: 'one leg', task: { topology, prepared } }
      : { kind: 'room', call: this.#openRoom(prepared) };
  }

  #dial(sessionId: string, action: DialAction): ActionResult {
    const { trunks, handOver } = this.#deps.settings;
    const waiting = this.#prepared.find(sessionId);
    const running = this.#rooms.get(sessionId);
    if (this.#inline.has(sessionId)) return conflict('customer and agent are on the line');
    const isOneLeg = this.#calls.has(sessionId) || (waiting && isOfOneLeg(waiting.request.topology));
    if (isOneLeg) return conflict('this session has one leg, which calls us');
    if (!running && !waiting) return { kind: 'unknown_session' };
    const name = action.trunk ?? handOver.through;
    const trunk = name === null ? trunks[0] : trunks.find((each) => each.name === name);
    if (!trunk) return conflict('there is no such trunk');
    if (this.#draining) return conflict('the server is stopping');
    const prepared = waiting && this.#prepared.take(sessionId);
    const call = running ?? (prepared && this.#openRoom(prepared));
    if (!call) return { kind: 'unknown_session' };
    const refusal = call.refusalOf(action.role);
    if (refusal) return conflict(refusal.why);
    this.#deps.meter.callStarted(trunk.name);
    this.#serve(call.dial(action, trunk));
    return { kind: 'done' };
  }

  #openRoom(prepared: Prepared): RoomCall {
    const call = new RoomCall(prepared, this.#deps);
    this.#rooms.set(prepared.id, call);
    void call.ended.then(() => this.#rooms.delete(prepared.id));
    return call;
  }

  async #runOneLeg(incoming: IncomingCall, task: OneLegTask): Promise<void> {
    const call = new IvrCall(incoming, this.#deps, task);
    this.#calls.set(call.sessionId, call);
    await call.run();
    this.#calls.delete(call.sessionId);
  }

  async #runInline(incoming: IncomingCall, found: FoundRoute, prepared?: Prepared): Promise<void> {
    const names = new Set<string>();
    const call = new InlineCall(incoming, this.#deps, {
      found,
      prepared,
      onSession: (sessionId) => {
        names.add(sessionId);
        this.#inline.set(sessionId, call);
      },
    });
    names.add(call.id);
    this.#inline.set(call.id, call);
    await call.run();
    for (const name of names) this.#inline.delete(name);
  }

  /** @param served - resolves when the leg is over; never rejects. */
  #serve(served: Promise<void>): void {
    this.#legs++;
    void served.finally(() => {
      this.#legs--;
      this.#deps.meter.callEnded();
      if (this.#legs === 0) this.#onEmpty?.();
    });
  }

  #refuse(incoming: IncomingCall, status: number, reason: string, counted: string): void {
    this.#deps.meter.callRefused(counted);
    this.#deps.meter.callEnded();
    incoming.reject(status, reason, status === 503 ? { 'Retry-After': kRetryAfterS } : {});
  }
}

/** A leg that joins or takes another's place in a call that is up; who was prepared for has gone when we drain. */
function isOfRunningCall({ kind }: Destination): boolean {
  return kind === 'room' || kind === 'replacing' || kind === 'back';
}

function isOfOneLeg(topology: SessionRequest['topology']): boolean {
  return topology === 'ivr' || topology === 'guest';
}
