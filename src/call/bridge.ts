import type { Clock } from '../ports/clock.ts';
import type { CodecName, KeyReport, MediaStats } from '../ports/media.ts';
import type { Role } from '../ports/payment-sessions.ts';
import type {
  HeaderReader,
  IncomingCall,
  ReferRequest,
  SipHeaders,
  TrunkRights,
} from '../ports/signaling.ts';
import { type CalledOut, CallOut, type CallOutDeps, type CallOutTask } from './call-out.ts';
import type { Held } from './held-legs.ts';
import { passedHeaders } from './passed-headers.ts';
import { answerInto, release, type Side } from './side.ts';

export type BridgedRole = Extract<Role, 'customer' | 'agent'>;

export interface BridgeDeps extends CallOutDeps {
  readonly clock: Clock;
  /** Names of the headers that go on from one leg to the other. */
  readonly passHeaders: readonly string[];
  readonly ringMs: number;
}

/** What the owner of a bridge wants to know and to decide. */
export interface BridgeHooks {
  /** A payment runs: holds are not passed on, the customer is not sent away. */
  isPaying(): boolean;
  /** A leg is over. @returns what the 200 to its BYE carries, and the BYE to the other. */
  onLeft(side: Side, reason: string): SipHeaders;
  /** Whether the call goes on when this one has left. */
  goesOnWithout(role: BridgedRole): boolean;
  /** It is being sent somewhere for a while: its BYE is no hang-up. */
  isLent(role: BridgedRole): boolean;
  onHold(role: BridgedRole, held: boolean): void;
  /** A key, whatever carried it. @returns whether it goes on to the other leg; a tone does anyway, with the voice. */
  onKey(role: BridgedRole, report: KeyReport): boolean;
  onReoffer(role: BridgedRole, header: HeaderReader): void;
  /** A leg has come in, at first or in the place of another. */
  onJoined(side: Side): void;
  /** Its media is closed, and was like this. */
  onReleased(side: Side, stats: MediaStats): void;
}

/** Whom to call as one side of the bridge. */
export interface BridgeCall {
  readonly role: BridgedRole;
  readonly target: string;
  readonly from: string;
  readonly headers: SipHeaders;
  readonly trunk: TrunkRights;
  /** What the other side speaks, while it is not yet a side. */
  readonly prefer?: CodecName;
  readonly onProgress?: CallOutTask['onProgress'];
}

const kPressMs = 60; // a telephone-event goes on when it begins: long enough to count, short enough to keep up with quick keys
const kFirstJoinMs = 1_000; // who asks in the same breath as it answers asks before both are in
const kByeOfTransferorMs = 2_000; // after our NOTIFY it says goodbye itself (RFC 5589 section 6.1)

/**
 * Customer and agent on two legs of ours, media anchored here: passes on hold, keys by SIP INFO and hang-ups, and follows the REFER
 * or Replaces of either side by putting another leg in its place. What they hear of each other is the room's business.
 *
 * Made by whoever answers for the call; `over` resolves when nobody is left. The room is its owner's.
 */
export class Bridge {
  readonly over: Promise<void>;
  readonly #deps: BridgeDeps;
  readonly #hooks: BridgeHooks;
  readonly #sides = new Map<BridgedRole, Side>();
  readonly #letGo = new Map<Side, () => void>();
  readonly #held = new Set<BridgedRole>();
  readonly #calling = new Set<CallOut>();
  readonly #end = Promise.withResolvers<void>();
  /** Both sides have been in. */
  readonly #complete = Promise.withResolvers<void>();
  #isComplete = false;
  /** Somebody is called in the place of these: who asked for it may go at once (RFC 5589 section 6). */
  readonly #transferring = new Set<BridgedRole>();
  /** A side is to come back. */
  #isLent = false;
  #isOver = false;

  constructor(deps: BridgeDeps, hooks: BridgeHooks) {
    this.#deps = deps;
    this.#hooks = hooks;
    this.over = this.#end.promise;
  }

  side(role: BridgedRole): Side | undefined {
    return this.#sides.get(role);
  }

  /** Calls somebody. What comes of it is not yet a side: {@link join} makes it one. Never rejects. */
  async call({ onProgress = () => {}, prefer, ...call }: BridgeCall): Promise<CalledOut> {
    const { role } = call;
    const calling = new CallOut(this.#deps, {
      ...call,
      ...this.legHooks(role),
      ringMs: this.#deps.ringMs,
      prefer: prefer ?? this.#sides.get(otherOf(role))?.legMedia.codec,
      onProgress,
    });
    this.#calling.add(calling);
    const called = await calling.run();
    this.#calling.delete(calling);
    return called;
  }

  /** What the media of a leg with this role reports. */
  legHooks(role: BridgedRole): Pick<CallOutTask, 'onHold' | 'onReoffer'> {
    return {
      onHold: (held) => this.#onHeld(role, held),
      onReoffer: (header) => this.#hooks.onReoffer(role, header),
    };
  }

  /** Gives up the calls that are not yet answered. */
  cancel(): void {
    for (const calling of this.#calling) calling.cancel();
  }

  /** Puts an answered leg, which is in the room, on its side of the bridge; whoever was there says goodbye. */
  join(side: Side): void {
    if (this.#isOver) {
      void this.#bye(side, {});
      return;
    }
    const { role } = side.party;
    const before = this.#sides.get(role);
    this.#sides.set(role, side);
    if (this.#sides.has(otherOf(role))) {
      this.#isComplete = true;
      this.#complete.resolve();
    }
    if (role === 'customer') this.#isLent = false;
    if (before) this.#held.delete(role);
    if (before) this.#retire(before);
    const { leg, trunk } = side;
    const replace = async (incoming: IncomingCall): Promise<void> => void (await this.admit(role, incoming));
    const yieldOther = (): Promise<Side | undefined> => this.#yield(otherOf(role));
    this.#letGo.set(side, this.#deps.legs.hold(leg.name, { trunk, replace, yieldOther }));
    this.#hooks.onJoined(side); // listens first
    this.#listen(side);
    if (before)
      this.#passHold(otherOf(role), false); // whom the one before had put on hold
    else if (this.#held.has(otherOf(role))) this.#passHold(role, true); // by who came on hold
  }

  /** After a payment: what was put on hold meanwhile is told now. */
  settleHolds(): void {
    for (const role of this.#sides.keys()) this.#passHold(otherOf(role), this.#held.has(role));
  }

  /** Answers somebody who is this side from now on, in the place of another (RFC 3891) or back again. Never rejects. */
  async admit(role: BridgedRole, incoming: IncomingCall): Promise<Side | undefined> {
    const { room, advertisedAddress: advertised, log } = this.#deps;
    const side = await answerInto(room, role, incoming, { advertised, ...this.legHooks(role) }, log);
    if (side) this.join(side);
    return side;
  }

  /** This side goes on without us for a while; its leg is its own to end. */
  lend(side: Side): void {
    const { role } = side.party;
    if (this.#sides.get(role) !== side) return;
    this.#sides.delete(role);
    this.#held.delete(role);
    this.#isLent = true;
    void this.#release(side);
  }

  /** A side that was being lent has hung up instead. */
  left(side: Side, reason: string): void {
    if (this.#sides.get(side.party.role) === side) this.#onLeft(side, reason, {});
  }

  /** Ends every leg. */
  async hangUp(headers: SipHeaders): Promise<void> {
    this.cancel();
    this.#isLent = false;
    await Promise.all([...this.#sides.values()].map((side) => this.#sendAway(side, headers)));
    this.#finishIfEmpty();
  }

  #listen(side: Side): void {
    const { leg, party } = side;
    const { role } = party;
    const isCurrent = (): boolean => this.#sides.get(role) === side;
    leg.onBye((reason, header) => {
      if (!isCurrent() || this.#hooks.isLent(role)) return {};
      return this.#onLeft(side, reason, passedHeaders(header, this.#deps.passHeaders));
    });
    const onKey = (report: KeyReport): void => {
      if (isCurrent() && this.#hooks.onKey(role, report)) this.#passKey(otherOf(role), report);
    };
    leg.onKey(onKey);
    party.media.onKey(onKey);
    leg.onRefer((request) => void this.#onRefer(side, request));
    party.media.onEnd((end) => {
      if (!isCurrent()) return;
      const reason = { Reason: `Q.850;cause=38;text="${end === 'timeout' ? 'no media' : 'media lost'}"` };
      void leg.bye({ ...this.#onLeft(side, `media: ${end}`, reason), ...reason });
    });
  }

  /** A carrier stays what it is: a room passes tones on, and nothing else. */
  #passKey(role: BridgedRole, { key, carrier }: KeyReport): void {
    const side = this.#sides.get(role);
    if (carrier === 'info') void side?.leg.sendKey(key);
    if (carrier === 'event') void side?.party.media.sendKey(key, kPressMs).catch(() => undefined); // it has gone
  }

  #onHeld(role: BridgedRole, on: boolean): void {
    if (on === this.#held.has(role)) return;
    if (on) this.#held.add(role);
    else this.#held.delete(role);
    this.#hooks.onHold(role, on);
    if (!this.#hooks.isPaying()) this.#passHold(otherOf(role), on);
  }

  #passHold(role: BridgedRole, on: boolean): void {
    const side = this.#sides.get(role);
    if (side) void side.legMedia.hold(side.leg, on);
  }

  /** A leg is over. @returns what the 200 to its BYE carries. */
  #onLeft(side: Side, reason: string, passed: SipHeaders): SipHeaders {
    const { role } = side.party;
    this.#sides.delete(role);
    this.#held.delete(role);
    const headers = this.#hooks.onLeft(side, reason);
    void this.#release(side);
    const goesOn = this.#hooks.goesOnWithout(role) || this.#transferring.has(role);
    if (!goesOn) void this.hangUp({ ...passed, ...headers });
    this.#finishIfEmpty();
    return headers;
  }

  /** Our goodbye to a side. */
  async #sendAway(side: Side, headers: SipHeaders): Promise<void> {
    this.#sides.delete(side.party.role);
    this.#hooks.onLeft(side, 'the call has ended');
    await this.#bye(side, headers);
  }

  async #onRefer(side: Side, request: ReferRequest): Promise<void> {
    const { role } = side.party;
    if (side.trunk.mayTransfer && !this.#isComplete) await this.#firstJoin();
    const isKept = role === 'customer' && this.#hooks.isPaying();
    const isHere = this.#sides.get(role) === side && this.#sides.has(otherOf(role));
    if (!side.trunk.mayTransfer || isKept || !isHere) return request.reject(603, 'Declined');
    const ours = request.replaces && this.#deps.legs.find(request.replaces, side.trunk);
    if (ours?.kind === 'found' && ours.yieldOther) return this.#takeOther(role, request, ours.yieldOther);
    if (ours?.kind === 'refused' && ours.status === 603) return request.reject(603, 'Declined'); // it has ended
    const report = request.accept();
    this.#transferring.add(role);
    const called = await this.call({
      role,
      target: request.target,
      from: '',
      headers: { ...passedHeaders(request.header, this.#deps.passHeaders), ...request.targetHeaders },
      trunk: side.trunk,
      onProgress: ({ status, reason }) => report.tell(status, reason),
    });
    this.#transferring.delete(role);
    if (called.kind === 'answered') {
      report.tell(200, 'OK');
      this.join(called.side);
      return;
    }
    report.tell(called.status, called.reason);
    const isAlone = !this.#sides.has(role) && !this.#hooks.goesOnWithout(role);
    if (isAlone) await this.hangUp({}); // who asked for it has gone
  }

  #firstJoin(): Promise<void> {
    const patience = Promise.withResolvers<void>();
    const cancel = this.#deps.clock.schedule(kFirstJoinMs, patience.resolve);
    return Promise.race([this.#complete.promise, this.over, patience.promise]).finally(cancel);
  }

  /** The peer has two calls through us, and joins them: whom it talks with in the other one comes here in its place. */
  async #takeOther(
    role: BridgedRole,
    request: ReferRequest,
    yieldOther: NonNullable<Held['yieldOther']>,
  ): Promise<void> {
    const report = request.accept();
    const other = await yieldOther();
    if (!other) return report.tell(481, 'Call/Transaction Does Not Exist');
    const side = await this.#bringIn(role, other).catch((error: unknown) => {
      this.#deps.log.error({ err: error }, 'whoever was to be joined could not be brought in');
      return undefined;
    });
    if (!side) {
      await this.#bye(other, {});
      return report.tell(503, 'Service Unavailable');
    }
    report.tell(200, 'OK');
    this.join(side);
    void side.legMedia.hold(side.leg, false); // nobody holds it here
  }

  /** A leg of another call comes into this room; where its media is in another worker, with new media. */
  async #bringIn(role: BridgedRole, other: Side): Promise<Side | undefined> {
    const { room } = this.#deps;
    const { leg, legMedia } = other;
    legMedia.reportTo(this.legHooks(role));
    const here = { ...other, party: { role, media: other.party.media } };
    const isHere = await room.join(here.party).then(
      () => true,
      () => false,
    );
    if (isHere) return here;
    const media = await room.openMedia();
    if (!(await legMedia.move(leg, media))) {
      room.forget(media);
      await media.close();
      return undefined;
    }
    await other.party.media.close();
    const moved = { ...other, party: { role, media } };
    await room.join(moved.party);
    return moved;
  }

  async #yield(role: BridgedRole): Promise<Side | undefined> {
    const side = this.#sides.get(role);
    if (!side || this.#hooks.isPaying()) return undefined;
    this.#sides.delete(role);
    this.#held.delete(role);
    this.#forget(side);
    await this.#deps.room.leave(side.party);
    void this.hangUp({});
    return side;
  }

  /** Somebody else is there instead: it leaves the room now, and the call when it likes to. */
  #retire(side: Side): void {
    this.#forget(side);
    void this.#deps.room.leave(side.party);
    this.#deps.clock.schedule(kByeOfTransferorMs, () => void this.#bye(side, {}));
  }

  async #bye(side: Side, headers: SipHeaders): Promise<void> {
    await side.leg.bye(headers);
    await this.#release(side);
  }

  #forget(side: Side): void {
    this.#letGo.get(side)?.();
    this.#letGo.delete(side);
  }

  async #release(side: Side): Promise<void> {
    const { party, legMedia } = side;
    this.#forget(side);
    await this.#deps.room.leave(party);
    const stats = await release(this.#deps.room, party.media, legMedia);
    if (stats) this.#hooks.onReleased(side, stats);
  }

  #finishIfEmpty(): void {
    if (this.#sides.size > 0 || this.#isLent) return;
    this.#isOver = true;
    this.#end.resolve();
  }
}

export function otherOf(role: BridgedRole): BridgedRole {
  return role === 'customer' ? 'agent' : 'customer';
}
