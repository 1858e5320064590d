import type { Clock } from '../ports/clock.ts';
import type { KeyReport } from '../ports/media.ts';
import type { Role } from '../ports/payment-sessions.ts';
import type {
  HeaderReader,
  IncomingCall,
  ReferRequest,
  Replacing,
  SipHeaders,
  TrunkRights,
} from '../ports/signaling.ts';
import { CallOut, type CalledOut, type CallOutDeps, type CallOutTask } from './call-out.ts';
import { LegMedia } from './leg-media.ts';
import { passedHeaders } from './passed-headers.ts';
import { release, type Side } from './side.ts';

export type BridgedRole = Extract<Role, 'customer' | 'agent'>;

export interface BridgeSettings {
  /** Names of the headers that go on from one leg to the other. */
  readonly passHeaders: readonly string[];
  readonly ringMs: number;
}

export interface BridgeDeps extends CallOutDeps {
  readonly settings: BridgeSettings;
  readonly clock: Clock;
}

/** What the owner of a bridge wants to know and to decide. */
export interface BridgeHooks {
  /** A payment runs: holds stay where they are, keys are not passed on, the customer is not sent away. */
  isPaying(): boolean;
  /** A leg is over. @returns what the 200 to its BYE carries, and the BYE to the other. */
  onLeft(role: BridgedRole, reason: string): SipHeaders;
  /** Whether the call goes on when this one has left. */
  goesOnWithout(role: BridgedRole): boolean;
  onHold(role: BridgedRole, held: boolean): void;
  onInfoKey(role: BridgedRole, report: KeyReport): void;
  onReoffer(role: BridgedRole, header: HeaderReader): void;
  /** A leg has come in, at first or in the place of another. */
  onJoined(side: Side): void;
}

/** Whom to call as one side of the bridge. */
export interface BridgeCall {
  readonly role: BridgedRole;
  readonly target: string;
  readonly from: string;
  readonly headers: SipHeaders;
  readonly trunk: TrunkRights;
  readonly onProgress?: CallOutTask['onProgress'];
}

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
  readonly #held = new Set<BridgedRole>();
  readonly #calling = new Set<CallOut>();
  readonly #end = Promise.withResolvers<void>();
  #isConnected = false;
  #isOver = false;

  constructor(deps: BridgeDeps, hooks: BridgeHooks) {
    this.#deps = deps;
    this.#hooks = hooks;
    this.over = this.#end.promise;
  }

  side(role: BridgedRole): Side | undefined {
    return this.#sides.get(role);
  }

  /** Whose dialog this is; undefined: of neither. */
  roleOf({ callId, localTag, remoteTag }: Replacing): BridgedRole | undefined {
    for (const [role, { leg }] of this.#sides) {
      const { name } = leg;
      if (name.callId === callId && name.localTag === localTag && name.remoteTag === remoteTag) return role;
    }
    return undefined;
  }

  /** Calls somebody. What comes of it is not yet a side: {@link join} makes it one. Never rejects. */
  async call({ role, target, from, headers, trunk, onProgress }: BridgeCall): Promise<CalledOut> {
    const other = this.#sides.get(otherOf(role));
    const calling = new CallOut(this.#deps, {
      role,
      target,
      from,
      headers,
      trunk,
      ringMs: this.#deps.settings.ringMs,
      prefer: other?.legMedia.codec,
      onHold: (held) => this.held(role, held),
      onReoffer: (header) => this.#hooks.onReoffer(role, header),
      onProgress: onProgress ?? (() => {}),
    });
    this.#calling.add(calling);
    const called = await calling.run();
    this.#calling.delete(calling);
    return called;
  }

  /** Gives up the calls that are not yet answered. */
  cancel(): void {
    for (const calling of this.#calling) calling.cancel();
  }

  /** Puts an answered leg, which is in the room, on its side of the bridge. */
  join(side: Side): void {
    const role = side.party.role as BridgedRole;
    const before = this.#sides.get(role);
    this.#sides.set(role, side);
    this.#isConnected ||= this.#sides.size === 2;
    this.#held.delete(role);
    if (before) this.#dismiss(before);
    this.#listen(side, role);
    this.#hooks.onJoined(side);
    if (before) this.#passHold(otherOf(role), false); // whom the one before had put on hold
  }

  /** An offer of this side put the other on hold, or took it back. */
  held(role: BridgedRole, on: boolean): void {
    if (on === this.#held.has(role)) return;
    if (on) this.#held.add(role);
    else this.#held.delete(role);
    this.#hooks.onHold(role, on);
    if (!this.#hooks.isPaying()) this.#passHold(otherOf(role), on);
  }

  /** After a payment: what was put on hold meanwhile is told now. */
  settleHolds(): void {
    for (const role of this.#sides.keys()) this.#passHold(otherOf(role), this.#held.has(role));
  }

  /** Somebody takes the place of a side (RFC 3891). */
  async replace(role: BridgedRole, incoming: IncomingCall): Promise<void> {
    const { room, advertisedAddress, log } = this.#deps;
    const { trunk } = incoming;
    const media = await room.openMedia();
    const legMedia = new LegMedia(
      media,
      incoming,
      {
        advertised: advertisedAddress,
        codecs: { codecs: trunk.codecs, order: trunk.codecOrder ?? 'peer' },
        onHold: (held) => this.held(role, held),
        onReoffer: (header) => this.#hooks.onReoffer(role, header),
      },
      log,
    );
    const party = { role, media };
    try {
      const established = await legMedia.establish(incoming);
      if (established.kind === 'established') {
        await room.join(party);
        this.#take({ party, legMedia, leg: established.leg, trunk });
        return;
      }
      if (established.kind === 'refused') incoming.reject(established.status, established.reason);
    } catch (error) {
      log.warn({ err: error }, 'a call that was to replace another came to nothing');
    }
    await room.leave(party);
    room.forget(media);
    await release(media, legMedia);
  }

  /** Ends every leg. */
  async hangUp(headers: SipHeaders): Promise<void> {
    this.cancel();
    await Promise.all([...this.#sides.values()].map((side) => this.#bye(side, headers)));
    this.#sides.clear();
    this.#finish();
  }

  /** Ends one leg. The other goes on, or not, as after its own goodbye. */
  async dismiss(role: BridgedRole, headers: SipHeaders): Promise<void> {
    const side = this.#sides.get(role);
    if (side) await this.#bye(side, headers);
  }

  #take(side: Side): void {
    if (this.#isOver) void this.#bye(side, {});
    else this.join(side);
  }

  #listen(side: Side, role: BridgedRole): void {
    const { leg, party } = side;
    const isCurrent = () => this.#sides.get(role) === side;
    leg.onBye((reason, header) => {
      if (!isCurrent()) return {};
      return this.#onLeft(role, side, reason, passedHeaders(header, this.#deps.settings.passHeaders));
    });
    leg.onKey((report) => {
      if (!isCurrent()) return;
      this.#hooks.onInfoKey(role, report);
      if (!this.#hooks.isPaying()) void this.#sides.get(otherOf(role))?.leg.sendKey(report.key);
    });
    leg.onRefer((request) => void this.#onRefer(role, side, request));
    party.media.onEnd((end) => {
      if (!isCurrent()) return;
      const reason = { Reason: `Q.850;cause=38;text="${end === 'timeout' ? 'no media' : 'media lost'}"` };
      const headers = this.#onLeft(role, side, `media: ${end}`, reason);
      void leg.bye({ ...headers, ...reason });
    });
  }

  /** @returns what the 200 to its BYE carries. */
  #onLeft(role: BridgedRole, side: Side, reason: string, passed: SipHeaders): SipHeaders {
    this.#sides.delete(role);
    this.#held.delete(role);
    const headers = this.#hooks.onLeft(role, reason);
    void this.#release(side);
    const other = this.#sides.get(otherOf(role));
    if (!this.#hooks.goesOnWithout(role)) {
      this.cancel();
      if (other) void this.dismissAfter(other, { ...passed, ...headers });
    }
    if (this.#sides.size === 0) this.#finish();
    return headers;
  }

  /** The other side of one that has left. */
  private async dismissAfter(side: Side, headers: SipHeaders): Promise<void> {
    const role = side.party.role as BridgedRole;
    await side.leg.bye(headers);
    if (this.#sides.get(role) !== side) return;
    this.#sides.delete(role);
    this.#hooks.onLeft(role, 'the other side hung up');
    await this.#release(side);
    if (this.#sides.size === 0) this.#finish();
  }

  async #onRefer(role: BridgedRole, side: Side, request: ReferRequest): Promise<void> {
    const other = this.#sides.get(otherOf(role));
    const isSent = role === 'customer' && this.#hooks.isPaying();
    if (!side.trunk.mayTransfer || isSent || !this.#isConnected || !other) return request.reject(603, 'Declined');
    const report = request.accept();
    const { passHeaders } = this.#deps.settings;
    const called = await this.call({
      role,
      target: request.target,
      from: '',
      headers: { ...passedHeaders(request.header, passHeaders), ...request.targetHeaders },
      trunk: side.trunk,
      onProgress: ({ status, reason }) => report.tell(status, reason),
    });
    if (called.kind === 'refused') return report.tell(called.status, called.reason);
    report.tell(200, 'OK');
    this.#take(called.side);
  }

  /** Somebody else is there instead: it leaves the room now, and the call when it likes to. */
  #dismiss(side: Side): void {
    void this.#deps.room.leave(side.party);
    this.#deps.clock.schedule(kByeOfTransferorMs, () => void this.#bye(side, {}));
  }

  async #bye(side: Side, headers: SipHeaders): Promise<void> {
    await side.leg.bye(headers);
    await this.#release(side);
  }

  async #release({ party, legMedia }: Side): Promise<void> {
    await this.#deps.room.leave(party);
    this.#deps.room.forget(party.media);
    await release(party.media, legMedia);
  }

  #passHold(role: BridgedRole, on: boolean): void {
    const side = this.#sides.get(role);
    if (side) void side.legMedia.hold(side.leg, on);
  }

  #finish(): void {
    this.#isOver = true;
    this.#end.resolve();
  }
}

export function otherOf(role: BridgedRole): BridgedRole {
  return role === 'customer' ? 'agent' : 'customer';
}
