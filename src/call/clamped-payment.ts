import type { ConversationEnd } from '../dialog/controller.ts';
import type { PaymentOrder } from '../dialog/policy.ts';
import type { PaymentRoom } from './payment-room.ts';
import type { PaymentSession } from './payment-session.ts';

/** A payment with an agent in the call, and what its owner does about it. */
export interface ClampedPayment {
  readonly room: PaymentRoom;
  readonly session: PaymentSession;
  /** What has been asked for by the time secure mode is on. */
  order(): PaymentOrder;
  /** Begins the conversation; the session has it when this returns. */
  begin(order: PaymentOrder): Promise<ConversationEnd>;
  /** Tells the conversation what has happened to customer and agent before it began. */
  catchUp(): void;
  /** Resolves when nobody is away on account of the payment. */
  settle(): Promise<void>;
  /** Who hears what has changed. */
  onHearing(): void;
}

/**
 * The order that keeps a card from the agent: secure mode is on before the first word, and off only when the conversation has ended and its card is
 * wiped. A conversation whose secure mode failed is told that somebody could hear what must not be heard, and asks for no card.
 */
export async function payClamped(
  payment: ClampedPayment,
): Promise<{ end: ConversationEnd; order: PaymentOrder }> {
  const { room, session } = payment;
  const isSecure = await room.secure(true).then(
    () => true,
    () => false,
  );
  session.events.add({ type: 'clamp', state: isSecure ? 'on' : 'failed' });
  payment.onHearing();
  const order = payment.order();
  const ended = payment.begin(order);
  if (!isSecure) session.conversation?.recordingNotStopped();
  payment.catchUp();
  const end = await ended;
  await payment.settle();
  await room.secure(false).catch(() => undefined); // it is in the log
  session.events.add({ type: 'clamp', state: 'off' });
  return { end, order };
}
