import { describe, expect, it } from 'vitest';
import { hearingOf, promptHearingOf, type RoomState } from '../../../src/call/who-hears-whom.ts';
import { kRoles, kTopologies, type Role } from '../../../src/ports/payment-sessions.ts';

const kFlags = [false, true] as const;
const kStates: readonly RoomState[] = kTopologies.flatMap((topology) =>
  kFlags.flatMap((secure) =>
    kFlags.flatMap((parked) =>
      (['comfort_noise', 'silence', 'neutral_tone'] as const).flatMap((clamp) =>
        (['everybody', 'customer'] as const).flatMap((promptsTo) =>
          kFlags.map((wary) => ({
            topology,
            secure,
            wary,
            parked,
            clamp,
            promptsTo,
            hidesAgentKeys: parked !== secure,
          })),
        ),
      ),
    ),
  ),
);
const kTalk: RoomState = {
  topology: 'conference',
  secure: false,
  wary: false,
  parked: false,
  clamp: 'silence',
  promptsTo: 'everybody',
  hidesAgentKeys: false,
};

/** Every way to ask. */
function each(check: (listener: Role, speaker: Role, state: RoomState) => void): void {
  for (const state of kStates)
    for (const listener of kRoles) for (const speaker of kRoles) check(listener, speaker, state);
}

const kEars = ['ear:customer', 'ear:agent'] as const;

describe('what a recorder hears', () => {
  it('is of each what the other hears of it, and nothing else', () => {
    for (const state of kStates) {
      expect(hearingOf('ear:customer', 'customer', state)).toEqual(hearingOf('agent', 'customer', state));
      expect(hearingOf('ear:agent', 'agent', state)).toEqual(hearingOf('customer', 'agent', state));
      for (const speaker of ['agent', 'monitor', 'coach', ...kEars] as const)
        expect(hearingOf('ear:customer', speaker, state).kind).toBe('none');
      for (const speaker of ['customer', 'monitor', 'coach', ...kEars] as const)
        expect(hearingOf('ear:agent', speaker, state).kind).toBe('none');
    }
  });

  it('is never open in secure mode, and never at all where recordings are always masked', () => {
    for (const state of kStates)
      for (const ear of kEars)
        for (const speaker of kRoles) {
          if (state.secure) expect(hearingOf(ear, speaker, state).kind).not.toBe('open');
          expect(hearingOf(ear, speaker, { ...state, masksRecordings: true }).kind).not.toBe('open');
        }
  });

  it('are the prompts an agent may hear, with what the customer is told', () => {
    for (const state of kStates) {
      expect(promptHearingOf('ear:agent', 'customer', state)).toEqual(
        promptHearingOf('agent', 'customer', state),
      );
      expect(promptHearingOf('ear:customer', 'customer', state).kind).toBe('none');
      expect(promptHearingOf('ear:agent', 'agent', state).kind).toBe('none');
    }
  });

  it('is heard by nobody', () => {
    for (const state of kStates)
      for (const ear of kEars)
        for (const role of kRoles) expect(hearingOf(role, ear, state).kind).toBe('none');
  });
});

describe('who hears whom', () => {
  it('is never anybody open to the customer in secure mode', () => {
    let seen = 0;
    each((listener, speaker, state) => {
      if (speaker !== 'customer' || !state.secure) return;
      expect(hearingOf(listener, speaker, state).kind).not.toBe('open');
      seen++;
    });
    expect(seen).toBeGreaterThan(100);
  });

  it('is nobody open to the customer right behind a payment, and the customer as open to others as ever', () => {
    each((listener, speaker, state) => {
      if (!state.wary || state.secure) return;
      const kind = hearingOf(listener, speaker, state).kind;
      if (speaker === 'customer') expect(kind).not.toBe('open');
      else expect(kind).toBe(hearingOf(listener, speaker, { ...state, wary: false }).kind);
    });
  });

  it('is in secure mode a clamp of the configured kind, or nothing', () => {
    each((listener, speaker, state) => {
      if (speaker !== 'customer' || listener === 'customer' || !state.secure) return;
      const hearing = hearingOf(listener, speaker, state);
      if (hearing.kind === 'clamped') expect(hearing.mode).toBe(state.clamp);
      else expect(hearing.kind).toBe('none');
    });
  });

  it("keeps the agent's keys from the customer in secure mode", () => {
    each((listener, speaker, state) => {
      if (listener !== 'customer' || speaker !== 'agent' || !state.secure) return;
      expect(hearingOf(listener, speaker, state).kind).not.toBe('open');
    });
  });

  it('takes agent and customer apart both ways when the agent is parked, also by a secure transfer', () => {
    for (const state of kStates) {
      if (!state.parked && !(state.topology === 'secure_transfer' && state.secure)) continue;
      for (const other of ['agent', 'monitor', 'coach'] as const) {
        expect(hearingOf(other, 'customer', state).kind).toBe('none');
        expect(hearingOf('customer', other, state).kind).toBe('none');
        expect(promptHearingOf(other, 'customer', state).kind).toBe('none');
      }
    }
  });

  it('lets the customer hear nobody but the agent, and nobody a monitor', () => {
    each((listener, speaker, state) => {
      if (listener === 'customer' && speaker === 'coach')
        expect(hearingOf(listener, speaker, state).kind).toBe('none');
      if (speaker === 'monitor') expect(hearingOf(listener, speaker, state).kind).toBe('none');
    });
  });

  it('is everybody, while nobody pays', () => {
    for (const [listener, speaker] of [
      ['customer', 'agent'],
      ['agent', 'customer'],
      ['monitor', 'customer'],
      ['monitor', 'agent'],
      ['agent', 'coach'],
    ] as const) {
      expect(hearingOf(listener, speaker, kTalk)).toEqual({ kind: 'open' });
    }
  });

  it('gives what is said to the customer to those it is for, and what is said to a parked agent to nobody else', () => {
    expect(promptHearingOf('agent', 'customer', kTalk).kind).toBe('open');
    expect(promptHearingOf('monitor', 'customer', kTalk).kind).toBe('open');
    expect(promptHearingOf('agent', 'customer', { ...kTalk, promptsTo: 'customer' }).kind).toBe('none');
    each((listener, of, state) => {
      if (of !== 'customer' && listener !== of)
        expect(promptHearingOf(listener, of, state).kind).toBe('none');
    });
  });
});
