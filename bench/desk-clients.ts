// The desks of `npm run bench -- desk`, in a process of their own: each follows one session by Server-Sent Events, as the page does, and
// notes when it is told of a key. Speaks with the benchmark by messages.
import { Agent, get } from 'node:http';
import process from 'node:process';

/** What the benchmark sends first. */
export interface DeskOrders {
  readonly url: string;
  readonly key: string;
  /** One desk each; a session may have several, and null follows all. */
  readonly sessionIds: readonly (string | null)[];
}

/** When desks were told of the n-th key of a session, in ms of CLOCK_MONOTONIC, which all processes share. */
export interface DeskReport {
  readonly arrivals: readonly { readonly sessionId: string; readonly key: number; readonly atMs: number }[];
  readonly broken: number;
}

const kAgent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const kAtOnce = 20;
const arrivals: { sessionId: string; key: number; atMs: number }[] = [];
let broken = 0;
let isOver = false;

process.on('message', (message: DeskOrders | 'report') => {
  if (message !== 'report') return void openAll(message).then(() => process.send?.('open'));
  isOver = true;
  process.send?.({ arrivals, broken } satisfies DeskReport, () => process.exit(0));
});

async function openAll(orders: DeskOrders): Promise<void> {
  const waiting = [...orders.sessionIds];
  const openSome = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await open(orders, next);
  };
  await Promise.all(Array.from({ length: kAtOnce }, openSome));
}

async function open({ url, key }: DeskOrders, sessionId: string | null): Promise<void> {
  const headers = { authorization: `Bearer ${key}` };
  const answer = await fetch(`${url}/v1/event-tickets`, { method: 'POST', headers });
  const { ticket } = (await answer.json()) as { ticket: string };
  const query = new URLSearchParams({ ticket, ...(sessionId !== null && { session: sessionId }) });
  await new Promise<void>((resolve, reject) => {
    get(`${url}/v1/events?${query}`, { agent: kAgent }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`a desk was answered ${response.statusCode}`));
      resolve();
      let rest = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        const atMs = Number(process.hrtime.bigint()) / 1e6;
        const blocks = `${rest}${text}`.split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) note(block, atMs);
      });
      response.on('close', () => {
        if (!isOver) broken++;
      });
    }).on('error', reject);
  });
}

function note(block: string, atMs: number): void {
  if (!block.includes('event: digits')) return;
  const data = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '{}') as { sessionId: string; count: number };
  arrivals.push({ sessionId: data.sessionId, key: data.count, atMs });
}
