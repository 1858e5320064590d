import type { ProfileName } from '../dialog/policy.ts';
import type { Tree } from './tree.ts';

/** What a profile sets differently from the defaults of the schema. Every row can be overridden key by key. */
export const kProfiles: Readonly<Record<ProfileName, Tree>> = {
  'pureconnect-ivr': {},
  'cloud-ivr': {
    confirm: { policy: 'per_field', cvv: 'digits' },
    declines: { onReached: { route: 'queue' } },
    failRoute: 'queue',
  },
};
