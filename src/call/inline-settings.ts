import type { AgentKeysOptions } from './agent-keys.ts';
import type { InlineRoute } from './inline-route.ts';

/** What configuration says about calls that pass through. */
export interface InlineSettings extends AgentKeysOptions {
  readonly routes: readonly InlineRoute[];
  /** Of a payment: all but the keys, or nothing, with hold audio, until it has ended. */
  readonly agentHears: 'all_but_keys' | 'nothing';
  readonly passHeaders: readonly string[];
  readonly ringMs: number;
  /** The agent's PBX learns the result at once by a re-INVITE, or with the BYE alone. */
  readonly tellResult: 'reinvite' | 'bye';
}
