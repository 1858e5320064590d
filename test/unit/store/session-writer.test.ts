import { beforeEach, describe, expect, it } from 'vitest';
import type { SessionRecord } from '../../../src/ports/store.ts';
import { SessionWriter } from '../../../src/store/session-writer.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { sessionOf } from '../../support/records.ts';

const kMostUnwritten = 10_000;

/** Remembers which rows it took. */
class NotedStore extends FakeStore {
  readonly written: string[] = [];

  sessions(): readonly SessionRecord[] {
    return this.latest ? [this.latest] : [];
  }

  override update(record: SessionRecord): void {
    super.update(record);
    this.written.push(record.sessionId);
  }
}

let clock: FakeClock;
let log: FakeLog;
let store: NotedStore;
let writer: SessionWriter;

beforeEach(() => {
  clock = new FakeClock();
  log = new FakeLog();
  store = new NotedStore();
  writer = new SessionWriter(store, clock, log);
});

function opened(count: number): readonly SessionRecord[] {
  const records = Array.from({ length: count }, (_, index) => sessionOf({ sessionId: `S${index}` }));
  for (const record of records) writer.open(record);
  return records;
}

const ended = (record: SessionRecord): SessionRecord => ({ ...record, result: 'APPROVED' });

describe('rows of sessions', () => {
  it('are written at once while the disk takes them', () => {
    for (const record of opened(2)) writer.update(ended(record));
    expect(store.written).toEqual(['S0', 'S1']);
    expect(clock.pending).toBe(0);
  });

  it('that a full disk refused are written in their order when there is room, the latest of each', async () => {
    const records = opened(50);
    store.broken = true;
    for (const record of records) writer.update(record);
    for (const record of records) writer.update(ended(record));
    await clock.advance(20_000);
    expect(store.find('S7')?.result).toBeNull();
    expect(writer.find('S7')?.result, 'what is asked for meanwhile').toBe('APPROVED');
    expect(writer.sessions({ limit: 1 })).toMatchObject([{ sessionId: 'S49', result: 'APPROVED' }]);
    store.broken = false;
    await clock.advance(16_000);
    expect(records.map(({ sessionId }) => store.find(sessionId)?.result)).toEqual(
      Array.from({ length: 50 }, () => 'APPROVED'),
    );
    expect(new Set(store.written).size).toBe(store.written.length);
    expect(clock.pending, 'nothing is left to do').toBe(0);
  });

  it('do not overtake those that wait', async () => {
    const [first, second] = opened(2);
    store.broken = true;
    if (first) writer.update(ended(first));
    store.broken = false;
    if (second) writer.update(ended(second));
    expect(store.written).toEqual([]);
    await clock.advance(1_000);
    expect(store.written).toEqual(['S0', 'S1']);
  });

  it('of which one is refused for good are not kept from the disk by it', async () => {
    const [known] = opened(1);
    writer.update(sessionOf({ sessionId: 'never opened' }));
    if (known) writer.update(ended(known));
    await clock.advance(5_000);
    expect(store.written).toEqual(['S0']);
  });

  it('are tried a last time when the process ends', () => {
    const [record] = opened(1);
    store.broken = true;
    if (record) writer.update(ended(record));
    store.broken = false;
    writer.stop();
    expect([store.find('S0')?.result, clock.pending]).toEqual(['APPROVED', 0]);
  });

  it('wait in a bounded number, and the oldest is given to the next start with a word in the log', () => {
    const records = opened(kMostUnwritten + 1);
    store.broken = true;
    for (const record of records) writer.update(ended(record));
    expect(writer.find('S1')?.result).toBe('APPROVED');
    expect(log.lines.at(-1)).toMatchObject({ level: 'error', fields: { sessionId: 'S0' } });
    store.broken = false;
    writer.stop();
    expect(store.find('S0')?.result).toBeNull();
    expect(store.written).toHaveLength(kMostUnwritten);
  });
});
