import type { Api } from '../api/api.ts';
import { keysOf, masterKeyOf } from '../api/key-ring.ts';
import { SecretWatch, type SecretWatchNeeds } from '../config/secret-watch.ts';
import type { EdgeHandle } from '../edge/launcher.ts';
import type { SipFrontEnd } from '../sip/front-end.ts';
import type { Webhooks } from '../webhook/webhooks.ts';
import { edgeCredentialsOf } from './trunks.ts';

/** Who has keys, passwords or secrets of the configuration in use. */
export interface SecretUsers {
  readonly api: Pick<Api, 'replace'>;
  /** The key that may do everything. */
  readonly apiKey: string | null;
  readonly webhooks: Pick<Webhooks, 'replaceSecrets'>;
  readonly frontEnd: Pick<SipFrontEnd, 'replaceCredentials'>;
  readonly edge: Pick<EdgeHandle, 'replaceCredentials'> | undefined;
}

/** Gives what the configuration says by now to all who use it. */
export function secretsFor(
  { api, apiKey, webhooks, frontEnd, edge }: SecretUsers,
  needs: Omit<SecretWatchNeeds, 'apply'>,
): SecretWatch {
  return new SecretWatch({
    ...needs,
    apply: (next) => {
      api.replace({ keys: keysOf(next.api, masterKeyOf(next.api, apiKey)), tls: next.http.tls });
      webhooks.replaceSecrets(next.webhooks);
      frontEnd.replaceCredentials(next.sip.trunks);
      edge?.replaceCredentials(edgeCredentialsOf(next));
    },
  });
}
