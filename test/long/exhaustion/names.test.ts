import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as later } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../../support/certificates.ts';
import { type DnsServer, kHasDnsmasq, startDns } from '../../support/dns-server.ts';
import { figures } from '../../support/figures.ts';
import { canMount } from '../../support/mortal-bench.ts';
import { PayingTrial } from '../../support/paying-trial.ts';
import type { Trial } from '../../support/trial.ts';

const kBank = 'pay.bank.test';
const kRecord = `host-record=${kBank},127.0.0.1`;
/** One of loopback's addresses for a resolver of our own: the system asks port 53 alone. */
const kResolver = `127.53.${1 + Math.floor(Math.random() * 250)}.${1 + Math.floor(Math.random() * 250)}`;
/** Each asks for a name of its own, on the threads that the journal is written by. */
const kWebhooks = Array.from({ length: 8 }, (_, index) => ({
  name: `hook${index}`,
  url: `https://hook${index}.bank.test/`,
  secret: 'a secret of webhooks of this test'.replaceAll(' ', '-'),
  events: ['payment.started', 'payment.secure_mode', 'payment.attempted', 'payment.completed'],
}));
/** Longer than an answer of the DNS is taken for fresh. */
const kForgottenMs = 45_000;
const kAt = { host: kResolver, port: 53 };

/** Whether we may listen where the system asks. */
async function mayListen(): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind(kAt.port, kAt.host);
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

const canResolve = kHasDnsmasq && canMount() && (await mayListen());

describe.skipIf(!canResolve)('a gateway whose name (needs dnsmasq, port 53 and user namespaces)', () => {
  let authority: TestAuthority;
  let dns: DnsServer | undefined;
  let paying: PayingTrial | undefined;

  beforeAll(() => {
    authority = new TestAuthority();
  });

  afterAll(() => authority.remove());

  afterEach(async () => {
    await paying?.stop();
    paying = undefined;
    await dns?.stop();
    dns = undefined;
  });

  async function start(
    records: readonly string[],
    before = () => {},
    environment: NodeJS.ProcessEnv = {},
  ): Promise<{ paying: PayingTrial; trial: Trial }> {
    dns = await startDns(records, kAt);
    before();
    const bankBy = { name: kBank, ca: authority.cert, ...authority.issue([`DNS:${kBank}`]) };
    paying = await PayingTrial.start({ resolver: kResolver, bankBy, environment });
    return { paying, trial: paying.trial };
  }

  it('the resolver will not say any more is paid at where it was last, whoever else asks for names', async () => {
    const HUSHPAY_WEBHOOKS = JSON.stringify(kWebhooks);
    const { paying, trial } = await start([kRecord], undefined, { HUSHPAY_WEBHOOKS });
    dns?.fallSilent();
    await later(kForgottenMs);
    expect(await trial.isReady()).toBe(true);
    await trial.metric('nodejs_eventloop_lag_max_seconds'); // is counted from one reading to the next
    expect(await paying.paid()).toBe('APPROVED');
    const slowestMs = Math.round((await trial.metric('nodejs_eventloop_lag_max_seconds')) * 1000);
    expect(paying.standing).toBe(1);
    figures(`a payment with a silent resolver: slowest turn of the event loop ${slowestMs} ms`);
  });

  it('nobody knows any more ends its payments with nothing charged, says why, and is paid at when it is back', async () => {
    const { paying, trial } = await start([kRecord]);
    const result = await paying.paid('EXPIRY_ENTRY', async () => {
      await dns?.stop();
      dns = await startDns([], kAt);
    });
    const approved = result === 'APPROVED' ? 1 : 0; // by what was known of the name a moment ago
    expect(paying.standing).toBe(approved);
    await expect
      .poll(async () => (await trial.ready()).checks['gateway']?.reason)
      .toContain('the DNS knows no such name');
    expect(await paying.paid(), 'told before a card is keyed').toBe('GATEWAY_UNAVAILABLE');
    expect(paying.standing).toBe(approved);
    await dns?.stop();
    dns = await startDns([kRecord], kAt);
    await expect.poll(() => trial.isReady()).toBe(true);
    expect(await paying.paid()).toBe('APPROVED');
    expect(paying.standing).toBe(approved + 1);
  });

  it('was never said, for want of a resolver, takes calls and says why it cannot be paid at', async () => {
    const { paying, trial } = await start([kRecord], () => dns?.fallSilent());
    expect((await trial.ready()).checks['gateway']?.reason).toContain('the DNS does not answer');
    expect(await paying.paid()).toBe('GATEWAY_UNAVAILABLE');
    dns?.speakAgain();
    await expect.poll(() => trial.isReady()).toBe(true);
    expect(await paying.paid()).toBe('APPROVED');
    expect(paying.standing).toBe(1);
  });
});

describe.skipIf(!kHasDnsmasq)('a trunk whose name (needs dnsmasq)', () => {
  const kPhones = 'phones.test';
  const kPhonesRecord = `host-record=${kPhones},127.0.0.1`;
  const through = { topology: 'inline', phone: 0 } as const;

  it('the resolver will not say is called where it was last, and one that nobody knows is refused, not waited for', async () => {
    let dns = await startDns([kPhonesRecord]);
    const { at } = dns;
    const environment = { HUSHPAY_SIP_DNS_SERVERS: JSON.stringify([dns.address]) };
    const paying = await PayingTrial.start({ phones: 1, phonesBy: kPhones, environment });
    try {
      expect(await paying.paid('', undefined, through)).toBe('APPROVED');
      dns.fallSilent();
      await later(kForgottenMs);
      expect(await paying.paid('', undefined, through)).toBe('APPROVED');
      await dns.stop();
      dns = await startDns([], at);
      await later(kForgottenMs);
      await expect(paying.paid('', undefined, through)).rejects.toThrow('the call was refused');
      expect(await paying.paid(), 'who calls us is taken').toBe('APPROVED');
      await dns.stop();
      dns = await startDns([kPhonesRecord], at);
      await expect
        .poll(() => paying.paid('', undefined, through).catch(String), { timeout: 300_000 })
        .toBe('APPROVED');
    } finally {
      await paying.stop();
      await dns.stop();
    }
  });
});
