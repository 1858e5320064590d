import type { KeptCall } from '../protocol.ts';
import { addressText, parseAddress } from '../sip/address.ts';
import type { Application } from '../wire/application.ts';
import { SipDialog } from './dialog.ts';

/** Requests the process that died may have sent meanwhile: a CSeq must be higher than all of theirs (RFC 3261 section 12.2.1.1). */
const kSeqLeap = 1_000;
/** Who had the call went with its connection. */
const kNobody: Application = { connected: false, push: () => {} };

/** What would be needed to end this call from another process. */
export function keptCallOf(dialog: SipDialog): KeptCall {
  const { id, callId, local, remote, remoteTarget, routeSet, natHop, localSeq, contact } = dialog;
  const { transport, remote: far, local: near, domain } = dialog.flow;
  return {
    ...{ id, callId, remoteTarget, contact },
    local: addressText(local),
    remote: addressText(remote),
    routeSet: [...routeSet],
    ...(natHop !== undefined && { natHop }),
    ...(localSeq !== undefined && { localSeq }),
    flow: {
      transport,
      remote: { host: far.host, port: far.port },
      local: { host: near.host, port: near.port },
      ...(domain !== undefined && { domain }),
    },
  };
}

/** The dialog as it was, over which a BYE may be sent; undefined if it cannot be read. */
export function dialogOf(kept: KeptCall): SipDialog | undefined {
  const local = parseAddress(kept.local);
  const remote = parseAddress(kept.remote);
  if (!local || !remote) return undefined;
  const { id, callId, remoteTarget, routeSet, natHop, contact, flow, localSeq } = kept;
  const { domain, ...way } = flow;
  return new SipDialog({
    ...{ id, callId, local, remote, remoteTarget, routeSet, natHop, contact },
    localSeq: localSeq === undefined ? undefined : localSeq + kSeqLeap,
    remoteSeq: undefined,
    flow: domain === undefined ? way : { ...way, domain },
    application: kNobody,
  });
}
