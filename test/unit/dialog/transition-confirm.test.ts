import { describe, expect, it } from 'vitest';
import type { DialogEvent } from '../../../src/dialog/events.ts';
import { cloudPolicyOf, orderOf, policyOf } from '../../support/dialog.ts';
import { on, reach, Walk } from '../../support/dialog-walk.ts';

const kWithPostal = { policy: policyOf({ cards: { postalCode: 'required' } }) };

/** A walk to the summary of an amount the caller has entered. */
function keyedAmountSummary(): Walk {
  const policy = policyOf({ amount: { policy: 'enter', allowOverpay: true } });
  return new Walk({ policy })
    .send(on.start, on.said, on.amount(2550), on.key(1), on.said)
    .pan()
    .send(on.field('expiry'), on.field('cvv'));
}

describe('S20 SUMMARY', () => {
  it('tells amount, card and expiry, never the security code', () => {
    expect(reach('SUMMARY').said).toEqual([
      'sum.pay',
      '{money}',
      'sum.card.before',
      '{brands}',
      'sum.card.after',
      '{lastFour}',
      'sum.exp',
      '{expiry}',
      '{silence}',
      'sum.menu',
    ]);
    const policy = policyOf({ confirm: { card: 'full', cvv: 'digits' } });
    expect(reach('SUMMARY', { policy }).said).toContain('{cardNumber}');
    expect(reach('SUMMARY', { policy }).said).not.toContain('{securityCode}');
  });

  it('is asked without keys typed ahead: a stray one must never confirm a payment', () => {
    const steps = reach('SUMMARY').commands.map((command) => command.do);
    expect(steps).toEqual(['flushTypeAhead', 'collect', 'say']);
  });

  it('submits with 1, corrects with 2, repeats with 3', () => {
    expect(reach('SUMMARY').send(on.key(1)).name).toBe('SUBMIT');
    expect(reach('SUMMARY').send(on.key(2)).name).toBe('CORRECT_MENU');
    const repeated = reach('SUMMARY').send(on.key(3));
    expect([repeated.name, repeated.said[0]]).toEqual(['SUMMARY', 'sum.pay']);
    expect(reach('SUMMARY').send(on.restarted).said[0]).toBe('sum.pay');
  });

  it('fails after three answers of no use', () => {
    const walk = reach('SUMMARY').send(on.silence, on.key(5), on.silence);
    expect(walk.ending).toEqual(['MAX_INPUT', 'agent', 'SUMMARY']);
  });
});

describe('S21 CORRECT_MENU', () => {
  const menu = (context = {}) => reach('SUMMARY', context).send(on.key(2));

  it('offers what was asked, with the keys of the recordings', () => {
    expect(menu().said).toEqual([
      'correct.intro',
      'correct.card',
      'correct.exp',
      'correct.cvv',
      'correct.restart',
    ]);
    expect(menu(kWithPostal).said).toContain('correct.postal');
    expect(keyedAmountSummary().send(on.key(2)).said).toContain('correct.amount');
  });

  it.each<[string, number, object, string, DialogEvent]>([
    ['the expiry', 2, {}, 'EXPIRY_ENTRY', on.field('expiry')],
    ['the security code', 3, {}, 'CVV_ENTRY', on.field('cvv')],
    ['the postal code', 5, kWithPostal, 'POSTAL_ENTRY', on.field('postal')],
  ])('asks for %s again and comes back to the summary', (_name, key, context, entry, event) => {
    const walk = menu(context).send(on.key(key));
    expect(walk.name).toBe(entry);
    expect(walk.send(event).name).toBe('SUMMARY');
  });

  it('comes straight back after a new number of the same brand', () => {
    const walk = menu().send(on.key(1));
    expect(walk.name).toBe('PAN_ENTRY');
    expect(walk.pan('visa', '1111').name).toBe('SUMMARY');
    expect(walk.state.facts.card?.last4).toBe('1111');
  });

  it('asks for the security code again after a number of a brand with another one', () => {
    const walk = menu().send(on.key(1)).pan('amex', '0005');
    expect(walk.name).toBe('CVV_ENTRY');
    expect(walk.command('clearFields')).toEqual({ do: 'clearFields', fields: ['cvv'] });
    expect(walk.send(on.field('cvv')).name).toBe('SUMMARY');
  });

  it('keeps the security code after a number of a brand with the same one', () => {
    expect(menu().send(on.key(1)).pan('mastercard', '4444').name).toBe('SUMMARY');
  });

  it('asks for the amount again, confirms it, and comes back', () => {
    const walk = keyedAmountSummary().send(on.key(2), on.key(4));
    expect(walk.name).toBe('AMOUNT_ENTRY');
    expect(walk.send(on.amount(3000)).name).toBe('AMOUNT_CONFIRM');
    expect(walk.send(on.key(1)).name).toBe('SUMMARY');
    expect(walk.state.facts.amount?.minor).toBe(3000);
  });

  it('starts over with the card where the amount is fixed', () => {
    const walk = menu().send(on.key(9));
    expect(walk.name).toBe('PAN_ENTRY');
    expect(walk.commands[0]).toMatchObject({
      do: 'clearFields',
      fields: expect.arrayContaining(['pan', 'cvv']),
    });
    expect(walk.state.facts).toMatchObject({ card: null, done: [] });
    expect(walk.pan().name).toBe('EXPIRY_ENTRY');
  });

  it('starts over with the amount where the caller chose it', () => {
    expect(keyedAmountSummary().send(on.key(2), on.key(9)).name).toBe('AMOUNT_ENTRY');
    const policy = policyOf({ amount: { policy: 'full_or_other' } });
    const walk = new Walk({ policy }).send(on.start, on.said, on.key(1), on.said).pan();
    walk.send(on.field('expiry'), on.field('cvv'), on.key(2), on.key(9));
    expect(walk.name).toBe('AMOUNT_MENU');
  });

  it('refuses keys that are not offered', () => {
    const walk = menu().send(on.key(4));
    expect([walk.name, walk.said[0]]).toEqual(['CORRECT_MENU', 'invalid.key']);
    expect(walk.send(on.silence, on.key(5)).ending).toEqual(['MAX_INPUT', 'agent', 'CORRECT_MENU']);
  });

  it('fails at the sixth correction', () => {
    const walk = reach('SUMMARY');
    for (let count = 0; count < 5; count++) walk.send(on.key(2), on.key(2), on.field('expiry'));
    expect(walk.name).toBe('SUMMARY');
    expect(walk.send(on.key(2), on.key(2)).ending).toEqual(['MAX_INPUT', 'agent', 'CORRECT_MENU']);
  });
});

describe('S31 ESCAPE', () => {
  it('opens from any state before the payment is sent', () => {
    const names = [
      'GREETING',
      'AMOUNT_TELL',
      'CARD_INTRO',
      'PAN_ENTRY',
      'PAN_CHECK',
      'EXPIRY_ENTRY',
      'SUMMARY',
    ] as const;
    for (const name of names) expect(reach(name).send(on.escape).name).toBe('ESCAPE');
  });

  it('asks without keys typed ahead', () => {
    const walk = reach('PAN_ENTRY').send(on.escape);
    expect(walk.commands.map((command) => command.do)).toEqual(['flushTypeAhead', 'collect', 'say']);
    expect(walk.said).toEqual(['esc.menu']);
  });

  it.each([
    ['1', on.key(1)],
    ['silence', on.silence],
  ])('goes back to the interrupted question with %s, from its beginning', (_name, event) => {
    const walk = reach('PAN_ENTRY').send(on.silence, on.escape, event);
    expect([walk.name, walk.said]).toEqual(['PAN_ENTRY', ['card.enter', 'card.enter.help']]);
    expect(walk.command('clearFields')).toEqual({ do: 'clearFields', fields: ['pan'] });
    expect(walk.state).toMatchObject({ tries: 1, trouble: null });
  });

  it('goes back to a message, which is said again', () => {
    expect(reach('CARD_INTRO').send(on.escape, on.key(1)).said).toEqual(['card.intro']);
  });

  it('goes back slower with 2', () => {
    const walk = reach('PAN_ENTRY').send(on.escape, on.key(2));
    expect(walk.said).toEqual(['pace.on', 'card.enter']);
    expect(walk.command('setPace')).toEqual({ do: 'setPace', pace: 'relaxed' });
    expect(walk.command('collect')).toMatchObject({ spec: { firstDigitMs: 40_000 } });
  });

  it('leaves with 3', () => {
    const walk = reach('PAN_ENTRY').send(on.escape, on.key(3));
    expect(walk.ending).toEqual(['CALLER_CANCELLED', 'agent', 'PAN_ENTRY']);
    expect(walk.does('wipe')).toBe(true);
    expect(walk.said).toEqual(['cancelled', 'not.charged', 'fail.agent']);
  });

  it('asks for an agent with 3 where policy says so', () => {
    const walk = reach('PAN_ENTRY', { policy: cloudPolicyOf({ escape: 'agent' }) }).send(on.escape);
    expect(walk.said).toEqual(['esc.menu.agent']);
    expect(walk.send(on.key(3)).ending).toEqual(['AGENT_REQUESTED', 'agent', 'PAN_ENTRY']);
  });

  it('does not open in itself', () => {
    const walk = reach('PAN_ENTRY').send(on.escape);
    const { state } = walk;
    expect(walk.send(on.escape).state).toBe(state);
  });

  it('repeats itself at a star and fails after three keys it does not know', () => {
    const walk = reach('PAN_ENTRY').send(on.escape, on.restarted);
    expect(walk.said).toEqual(['esc.menu']);
    expect(walk.send(on.key(8), on.key(9), on.key(0)).ending?.[0]).toBe('MAX_INPUT');
  });

  it('does not open where the caller is with another application', () => {
    const policy = policyOf({ idv: { target: 'sip:idv@pbx' } });
    const walk = reach('GREETING', { policy, order: orderOf({ identified: 'unknown' }) });
    expect(walk.send(on.said, on.escape).name).toBe('IDV_HANDOFF');
  });
});
