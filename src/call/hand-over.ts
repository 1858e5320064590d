import type { Log } from '../ports/log.ts';
import type { CodecName } from '../ports/media.ts';
import type { ReferOutcome, SipHeaders, TrunkRights } from '../ports/signaling.ts';
import { Bridge, type BridgeHooks } from './bridge.ts';
import type { CalledOut } from './call-out.ts';
import type { IvrCallDeps } from './ivr-call.ts';
import { PaymentRoom } from './payment-room.ts';
import type { PaymentSession } from './payment-session.ts';
import { addressOf } from './routes.ts';
import { enter, type Side } from './side.ts';

/** What configuration says about how a call goes on when its payment has ended. */
export interface HandOverSettings {
  readonly method: 'refer' | 'attended' | 'bridge' | 'bye' | 'reinvite';
  readonly bridgeWhenRefused: boolean;
  /** Name of the trunk our calls to destinations belong to; null: that of the call. */
  readonly through: string | null;
  /** Customer and agent of a room, after it. */
  readonly join: 'here' | 'refer';
  readonly waitMs: number;
}

/** A customer with a result, and where to. */
export interface HandOverTask {
  readonly customer: Side;
  /** SIP URI; null: nowhere, the result goes with the BYE. */
  readonly target: string | null;
  /** Where to if nobody is there, such as a reserved agent who has gone. */
  readonly fallback?: string | null;
  readonly from: string;
  /** Attached to whatever is sent. */
  readonly headers: SipHeaders;
  /** Told of whoever we call. */
  readonly session: Pick<PaymentSession, 'events' | 'legEnded'>;
  /** Where the customer is being recorded: a bridge goes on there, and closes it. Absent: it makes a room of its own. */
  readonly room?: PaymentRoom | undefined;
}

/** By what it went, in the end. */
export type HandOverOutcome = ReferOutcome | 'bridged' | 'told' | 'bye' | 'unanswered';

/**
 * Sends the customer on with the result, by the configured method, and says goodbye. Resolves when nothing of the call is left with
 * us; a bridge lasts as long as the two talk. Rejects never.
 */
export async function handOver(task: HandOverTask, deps: IvrCallDeps, log: Log): Promise<HandOverOutcome> {
  const outcome = await goOn(task, deps, log);
  log.info({ outcome }, 'the caller was handed over');
  await task.customer.leg.bye(task.headers); // nothing, where the peer has said so already
  return outcome;
}

async function goOn(task: HandOverTask, deps: IvrCallDeps, log: Log): Promise<HandOverOutcome> {
  const { customer, target, headers } = task;
  const { method, bridgeWhenRefused } = deps.settings.handOver;
  switch (method) {
    case 'bye':
      return 'bye';
    case 'reinvite':
      return tellAndWait(task, deps);
    case 'bridge':
    case 'attended':
      return target === null ? 'bye' : bridge({ ...task, target }, deps, log);
    case 'refer': {
      if (target === null) return 'bye';
      const address = addressOf(target);
      const outcome = await customer.leg.refer(address.uri, headers, { ...headers, ...address.headers });
      if (outcome === 'refused' && bridgeWhenRefused) return bridge({ ...task, target }, deps, log);
      if (outcome !== 'failed' || !task.fallback) return outcome;
      log.info({}, 'nobody is there: the caller goes elsewhere');
      return goOn({ ...task, target: task.fallback, fallback: null }, deps, log);
    }
    default:
      return method satisfies never;
  }
}

/** The peer takes the result, and the call, by itself. */
async function tellAndWait({ customer, headers }: HandOverTask, deps: IvrCallDeps): Promise<HandOverOutcome> {
  const { leg, legMedia } = customer;
  const left = new Promise<void>((resolve) => {
    leg.onBye(() => {
      resolve();
      return headers;
    });
  });
  if (!(await legMedia.tell(leg, headers))) return 'bye';
  const { clock, settings } = deps;
  const waited = new Promise<void>((resolve) => {
    const cancel = clock.schedule(settings.handOver.waitMs, resolve);
    void left.then(cancel);
  });
  await Promise.race([left, waited]);
  return 'told';
}

/** We call the destination and join both; by REFER with Replaces the peer may take our place there. */
async function bridge(
  task: HandOverTask & { readonly target: string },
  deps: IvrCallDeps,
  log: Log,
): Promise<HandOverOutcome> {
  const { customer, target, fallback, from, headers, session } = task;
  const { settings, plane, signaling, legs, clock } = deps;
  const { inline, advertisedAddress, policy } = settings;
  const state = { topology: 'inline', clamp: policy.agent.clamp, promptsTo: 'customer' } as const;
  const room = task.room ?? new PaymentRoom(plane, state, clock, log);
  const between = new Bridge(
    {
      signaling,
      legs,
      room,
      advertisedAddress,
      clock,
      passHeaders: inline.passHeaders,
      ringMs: inline.ringMs,
      log,
    },
    hooksOf(session, headers, room),
  );
  try {
    await enter(room, customer);
    between.join(customer);
    if (!between.side('customer')) return 'ended_by_peer';
    const trunk = trunkFor(deps, customer.trunk);
    const call = (to: string): Promise<CalledOut> => {
      const { uri, headers: own } = addressOf(to);
      const all = { ...headers, ...own, ...('Replaces' in own && { Require: 'replaces' }) };
      const prefer = preferring(customer.legMedia.codec);
      return between.call({ role: 'agent', target: uri, from, headers: all, trunk, ...prefer });
    };
    let called = await call(target);
    if (called.kind === 'refused' && fallback && between.side('customer')) called = await call(fallback);
    if (called.kind === 'refused') {
      log.info({ status: called.status }, 'the destination was not reached');
      await between.hangUp(headers);
      return 'unanswered';
    }
    await room.secure(false).catch(() => undefined); // masked they talk as well, and it is in the log
    between.join(called.side);
    if (settings.handOver.method === 'attended') {
      const { remoteTarget, name } = called.side.leg;
      const outcome = await customer.leg.refer(remoteTarget, headers, headers, name);
      if (outcome === 'transferred' || outcome === 'ended_by_peer') {
        await between.hangUp(headers);
        return outcome;
      }
      log.info({ outcome }, 'the peer does not take our place: we stay between the two');
    }
    await between.over;
    return 'bridged';
  } catch (error) {
    log.error({ err: error }, 'the bridge broke');
    await between.hangUp(headers);
    return 'failed';
  } finally {
    await room.close();
  }
}

/** Whose rights, codecs and credentials our calls to destinations have. */
export function trunkFor({ settings }: IvrCallDeps, own: TrunkRights): TrunkRights {
  return settings.trunks.find(({ name }) => name === settings.handOver.through) ?? own;
}

function preferring(codec: CodecName | undefined): { readonly prefer?: CodecName } {
  return codec === undefined ? {} : { prefer: codec };
}

/**
 * No payment runs in a bridge after one; of the customer's leg its own call tells.
 * @param headers - the result, on every BYE and the answer to it, whoever hangs up first.
 */
function hooksOf(session: HandOverTask['session'], headers: SipHeaders, room: PaymentRoom): BridgeHooks {
  const tell = (type: 'joined' | 'left', { party: { role }, leg }: Side): void => {
    if (role === 'agent') session.events.add({ type, role, callId: leg.name.callId });
  };
  return {
    isPaying: () => false,
    onLeft: (side) => {
      tell('left', side);
      return headers;
    },
    goesOnWithout: () => false,
    isLent: () => false,
    onHold: () => {},
    onKey: (role, { carrier }) => {
      if (role === 'agent' || !room.keepsKeys) return true;
      if (carrier === 'info') room.keyed();
      return false;
    },
    onReoffer: () => {},
    onJoined: (side) => tell('joined', side),
    onReleased: ({ party: { role }, leg }, stats) => {
      if (role === 'agent') session.legEnded(role, leg.name.callId, stats);
    },
  };
}
