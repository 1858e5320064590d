import { createHmac } from 'node:crypto';

/**
 * The value of `Hushpay-Signature`: `t=<seconds since 1970>,v1=<hex>` with HMAC-SHA256 over `<seconds>.<body>`. While a secret is being replaced there
 * is a `v1` for each: a receiver takes the message if any of them is right and the time is not long ago.
 */
export function signatureOf(body: string, secrets: readonly string[], now: Date): string {
  const seconds = Math.floor(now.getTime() / 1000);
  const each = secrets.map((secret) =>
    createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex'),
  );
  return [`t=${seconds}`, ...each.map((signature) => `v1=${signature}`)].join(',');
}
