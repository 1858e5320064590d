import type { Config } from '../../config/config.ts';
import { createGateway } from '../../gateway/gateway.ts';
import type { GatewayCapabilities } from '../../ports/payment-gateway.ts';
import { kSystemClock } from '../../process/system-clock.ts';
import { createLog } from '../../telemetry/log.ts';
import { bad, type Finding, note, ok } from './finding.ts';

const kUnanswered = 'payments whose answer gets lost end as MANUAL, for a person';

/** Asks every gateway whether it answers, and says what it leaves to a person. */
export async function examineGateways({ gateway, merchants }: Config): Promise<readonly Finding[]> {
  const findings = await Promise.all([
    examineGateway('gateway', gateway),
    ...merchants.flatMap((merchant) =>
      merchant.gateway ? [examineGateway(`gateway ${merchant.id}`, merchant.gateway)] : [],
    ),
  ]);
  return findings;
}

async function examineGateway(check: string, settings: Config['gateway']): Promise<Finding> {
  const log = createLog({ level: 'error', destination: process.stderr });
  const gateway = createGateway(settings, kSystemClock, log);
  try {
    const answer = await gateway.check();
    if (!answer.ok) {
      const remedy = 'correct address and credentials, or wait for it; `way to the gateway` says more';
      return bad(check, `${gateway.name} does not answer: ${answer.reason}`, remedy);
    }
    const lacks = whatItLacks(gateway.capabilities);
    if (lacks === '') return ok(check, `${gateway.name} answers`);
    return note(
      check,
      `${gateway.name} answers, but ${lacks}: ${kUnanswered}`,
      'have somebody look at them every day',
    );
  } finally {
    await gateway.close();
  }
}

/** What a gateway leaves to a person when an answer gets lost. */
function whatItLacks(can: GatewayCapabilities | undefined): string {
  return [
    can?.lookUp === 'none' ? 'has no look-up' : '',
    can?.reversal === 'none' ? 'cannot take a payment back' : '',
    can?.reversal === 'unheard' ? 'does not say what became of a reversal' : '',
  ]
    .filter((text) => text !== '')
    .join(' and ');
}
