import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import { bad, type Finding, note, ok } from './finding.ts';

const kDay = 24 * 3_600_000;
const kRenewWithinDays = 14;
const kLeastRsaBits = 2048;

/** Every certificate of ours: how long it is good for, and what it is made with. Those no longer valid are refused by the configuration. */
export function examineCertificates(config: Config, now: Date): readonly Finding[] {
  return certificatesOf(config).flatMap(({ check, pem }) => examineCertificate(check, pem, now));
}

function certificatesOf({ sip, http, gateway, merchants }: Config): { check: string; pem: string }[] {
  const files = [
    ...sip.tls.certificates.map(({ certFile }) => ({ check: `certificate ${certFile}`, certFile })),
    ...[gateway, ...merchants.map((merchant) => merchant.gateway)].flatMap((each) =>
      each?.certFile ? [{ check: `certificate ${each.certFile}`, certFile: each.certFile }] : [],
    ),
  ].map(({ check, certFile }) => ({ check, pem: readFileSync(certFile, 'utf8') }));
  return http.tls === null ? files : [...files, { check: 'certificate of HTTP', pem: http.tls.cert }];
}

/** @param pem - the first one in it counts. */
export function examineCertificate(check: string, pem: string, now: Date): Finding[] {
  const { validTo, publicKey } = new X509Certificate(pem);
  const days = Math.floor((Date.parse(validTo) - now.getTime()) / kDay);
  const bits = publicKey.asymmetricKeyDetails?.modulusLength;
  const found: Finding[] = [];
  if (days < kRenewWithinDays)
    found.push(bad(check, `it expires on ${validTo}`, 'renew it; no restart is needed'));
  if (publicKey.asymmetricKeyType === 'rsa' && (bits ?? 0) < kLeastRsaBits)
    found.push(note(check, `RSA of ${bits} bits`, `use ${kLeastRsaBits} bits or more, or P-256`));
  return found.length > 0 ? found : [ok(check, `valid for ${days} days`)];
}
