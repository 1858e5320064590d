import type { Conversation } from '../dialog/controller.ts';
import type { ActionResult, SessionAction } from '../ports/payment-sessions.ts';

const kDone: ActionResult = { kind: 'done' };

/** What an agent asks of a conversation that runs; undefined where the conversation has no say in it. */
export function actOn(
  conversation: Conversation,
  action: SessionAction,
  actor: string,
): ActionResult | undefined {
  switch (action.action) {
    case 'dial':
    case 'start':
    case 'park':
      return undefined;
    case 'resume':
      return conversation.isPaused
        ? taken(conversation.pause(false), conversation, 'cannot go on')
        : undefined;
    case 'amount':
      return taken(
        conversation.chooseAmount(action.amount),
        conversation,
        'the amount is outside the limits, or cannot be chosen yet',
      );
    case 'capture':
      return taken(
        conversation.ask(action.field),
        conversation,
        `${action.field} cannot be asked for yet, or the card has none`,
      );
    case 're-enter':
      return taken(
        conversation.reEnter(action.field),
        conversation,
        `${action.field} was not asked for before`,
      );
    case 'pause':
      return conversation.isPaused
        ? conflict('the payment is paused already')
        : taken(conversation.pause(true), conversation, 'there is nothing to pause yet');
    case 'cancel':
      return taken(conversation.cancel(actor), conversation, 'it cannot be cancelled any more');
  }
}

export function conflict(reason: string): ActionResult {
  return { kind: 'conflict', reason };
}

/** Too late is the reason that goes before all others. */
function taken(isTaken: boolean, conversation: Conversation, otherwise: string): ActionResult {
  if (isTaken) return kDone;
  if (conversation.end) return conflict('the payment has ended');
  if (conversation.isInFlight) return conflict('the payment is with the gateway: its verdict is waited for');
  return conflict(conversation.isDecided ? 'the payment is decided: its result is being told' : otherwise);
}
