import { describe, expect, it } from 'vitest';
import { policyFor } from '../../../src/call/topology-policy.ts';
import { firstState } from '../../../src/dialog/states.ts';
import { kTopologies } from '../../../src/ports/payment-sessions.ts';
import { cloudPolicyOf, policyOf } from '../../support/dialog.ts';

const kTalkative = { policy: 'both', card: 'full', cvv: 'digits' } as const;

describe('the conversation a topology makes of the configuration', () => {
  it.each(['conference', 'inline', 'guest'] as const)(
    'reads back four digits and no security code in %s, whatever is configured',
    (topology) => {
      const { confirm, company } = policyFor(topology, policyOf({ confirm: kTalkative }));
      expect(confirm).toEqual({ policy: 'both', card: 'last4', cvv: 'off' });
      expect(company).toBe('listening');
    },
  );

  it('keeps what is configured where no agent hears it', () => {
    const talkative = policyOf({ confirm: kTalkative });
    expect(policyFor('ivr', talkative)).toEqual(talkative);
    expect(policyFor('secure_transfer', talkative)).toMatchObject({ confirm: kTalkative, company: 'parked' });
  });

  it.each(kTopologies.filter((topology) => topology !== 'ivr'))(
    'leads back to the agent in %s, unless an address is configured',
    (topology) => {
      expect(policyFor(topology, policyOf())).toMatchObject({
        failRoute: 'back',
        declines: { onReached: { route: 'back' } },
      });
      expect(policyFor(topology, cloudPolicyOf())).toMatchObject({ failRoute: 'back' });
      const named = { result: 'DECLINED_MAX', route: 'sip:debts@pbx' } as const;
      expect(policyFor(topology, policyOf({ declines: { onReached: named } }))).toMatchObject({
        declines: { onReached: named },
      });
    },
  );

  it('leaves everything else as it is', () => {
    const policy = policyOf();
    const { failRoute: _, declines, company, confirm, ...rest } = policyFor('conference', policy);
    expect(policy).toMatchObject(rest);
    expect(declines.max).toBe(policy.declines.max);
    expect(firstState(rest.input.pace).name).toBe('ACCEPT');
    expect([company, confirm.policy]).toEqual(['listening', policy.confirm.policy]);
  });
});
