// A process of its own that pays through any adapter, so that its memory can be searched. It never gets card digits as text:
// keys come as letters, a = 0. Imports nothing that knows the test cards.
import { readFileSync } from 'node:fs';
import { CardSecret, type SecretField } from '../../src/card/card-secret.ts';
import { money } from '../../src/money/money.ts';
import type { PaymentRequest } from '../../src/ports/payment-gateway.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { FakeLog } from './fake-log.ts';
import { kAdapters, openAdapter } from './gateway-adapters.ts';

export interface PayOrder {
  readonly do: 'pay';
  /** Name of the adapter. */
  readonly adapter: string;
  readonly url: string;
  readonly caFile: string | null;
  readonly minor: number;
  readonly deadlineMs: number;
  /** Letters per field. */
  readonly keys: Readonly<Partial<Record<SecretField, string>>>;
}

export interface HoldOrder {
  readonly do: 'hold';
  readonly keys: string;
}

const kLetterZero = 97;
const held: Buffer[] = [];
let payments = 0;

process.on('message', (order: PayOrder | HoldOrder) => {
  void (order.do === 'pay' ? pay(order) : hold(order)).then((answer) => {
    for (let turn = 0; turn < 3; turn++) globalThis.gc?.();
    process.send?.(answer);
  });
});

async function pay({ adapter: name, url, caFile, minor, deadlineMs, keys }: PayOrder): Promise<string> {
  const card = new CardSecret();
  for (const [field, letters] of Object.entries(keys)) {
    for (let at = 0; at < letters.length; at++)
      card.append(field as SecretField, letters.charCodeAt(at) - kLetterZero);
  }
  const ca = caFile === null ? null : readFileSync(caFile);
  const adapter = kAdapters.find((each) => each.name === name);
  if (!adapter) return `no adapter ${name}`;
  const gateway = openAdapter(adapter, url, kSystemClock, new FakeLog(), ca);
  const result = await gateway.submit(requestNumber(++payments, minor), card, {
    deadlineMs,
    onFlushed: () => undefined,
  });
  card.wipe();
  await gateway.close();
  return result.kind;
}

/** What nobody should do, to see that the search finds it. */
async function hold({ keys }: HoldOrder): Promise<string> {
  const buffer = Buffer.allocUnsafeSlow(128).fill(0);
  for (let at = 0; at < keys.length; at++) buffer[at] = keys.charCodeAt(at) - kLetterZero + 0x30;
  held.push(buffer);
  return `held ${held.length}`;
}

function requestNumber(number: number, minor: number): PaymentRequest {
  return {
    paymentRef: `P${number}`,
    attempt: 1,
    idempotencyKey: `P${number}-01`,
    amount: money(minor, 'EUR'),
    merchantId: null,
    customerId: null,
    reference: null,
    brand: 'maestro',
    call: { id: 'c', from: 'a', to: 'b', mode: 'ivr' },
  };
}
