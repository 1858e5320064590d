import { describe, expect, it } from 'vitest';
import { CardSecret } from '../../../src/card/card-secret.ts';
import { AppError } from '../../../src/errors.ts';
import { logChildLine } from '../../../src/telemetry/child-line.ts';
import { createLog, type LogOptions } from '../../../src/telemetry/log.ts';

const kPan = '4242424242424242';

function capture(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  let hits = 0;
  const log = createLog({
    level: 'debug',
    destination: { write: (line: string) => void lines.push(line) },
    onScrubbed: () => hits++,
    ...options,
  });
  const parsed = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, lines, parsed, hits: () => hits };
}

describe('a log line', () => {
  it('is JSON with time, level by name, fields and the sentence', () => {
    const { log, parsed } = capture();
    log.child({ callId: 'a1' }).info({ legId: 'caller' }, 'leg answered');
    expect(parsed()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        callId: 'a1',
        legId: 'caller',
        msg: 'leg answered',
      },
    ]);
  });

  it('is one line, whatever a peer wrote', () => {
    const { log, lines, parsed } = capture();
    const hostile = 'a\r\n{"level":"info","msg":"forged"}\u0000\u001b[2J\u2028';
    log.info({ from: hostile, [hostile]: 1 }, hostile);
    const codes = Array.from(lines.join('').trimEnd(), (letter) => letter.charCodeAt(0));
    expect(Math.min(...codes)).toBeGreaterThanOrEqual(0x20);
    expect(parsed()).toMatchObject([{ from: hostile, msg: hostile }]);
  });

  it('is not written below the level', () => {
    const { log, lines } = capture({ level: 'warn' });
    log.info({}, 'quiet');
    expect(lines).toEqual([]);
  });

  it.each([
    ['the message', {}, `keyed ${kPan}`],
    ['a field', { customer: kPan }, ''],
    ['a number', { value: Number(kPan) }, ''],
    ['a deep field', { a: { b: { c: { d: [{ e: kPan }] } } } }, ''],
    ['the message of an error', { err: new Error(`cannot send ${kPan}`) }, ''],
    ['the cause of an error', { err: new AppError('INTERNAL', 'broke', new Error(`at ${kPan}`)) }, ''],
    ['a list of keys', { keys: Array.from(kPan, Number) }, ''],
    ['a child logger', { context: { nested: `pan=${kPan}` } }, ''],
  ])('does not show a card number in %s, and says that the net was needed', (_, fields, message) => {
    const { log, lines, hits, parsed } = capture();
    log.child(fields).error(fields, message);
    expect(lines.join('')).not.toMatch(/4242|52,50,52,50|(?:4,2,){3}|"3":2/);
    expect(parsed()).toHaveLength(1);
    expect(hits()).toBeGreaterThan(0);
  });

  it.each([
    ['a buffer', Buffer.from(kPan)],
    ['an array of bytes', Uint8Array.from(kPan, Number)],
    ['the memory of one', new Uint8Array(100).fill(0x34).buffer],
  ])('leaves out %s', (_, body) => {
    const { log, lines, hits } = capture();
    log.child({ body }).error({ deep: { list: [body] } }, '');
    expect(lines.join('')).toMatch(/"body":"\[bytes\]".*"list":\["\[bytes\]"\]/);
    expect(hits()).toBe(0);
  });

  it('never throws, whatever it is given', () => {
    const { log, parsed } = capture();
    const ring: Record<string, unknown> = { at: new Date(0), big: 10n, none: undefined, nothing: null };
    ring['self'] = ring;
    log.info(ring, 'x');
    expect(parsed()[0]).toMatchObject({ at: '1970-01-01T00:00:00.000Z', big: '10', nothing: null });
  });

  it('shows neither a card arena nor what is named like a secret', () => {
    const { log, lines, hits } = capture();
    const arena = new CardSecret();
    for (const digit of kPan) arena.append('pan', Number(digit));
    log.info({ arena, gateway: { token: 'hunter2', options: { password: 'hunter2' } }, pan: '42' }, 'x');
    expect(lines.join('')).toContain('[digits]');
    expect(lines.join('')).not.toMatch(/hunter2|"42"/);
    expect(hits()).toBe(0);
  });

  it('says where an error came from that nobody foresaw', () => {
    const { log, parsed } = capture();
    log.error({ err: new AppError('INTERNAL', 'two payments in one session') }, 'x');
    expect(parsed()[0]?.['err']).toMatchObject({ stack: expect.stringContaining('log.test.ts') });
  });

  it('keeps of an error what an allow-list names', () => {
    const { log, parsed } = capture();
    const cause = Object.assign(new Error('connect'), {
      code: 'ECONNREFUSED',
      request: { headers: { secretish: 1 } },
    });
    log.error({ err: new AppError('GW_UNREACHABLE', 'the gateway is down', cause) }, 'x');
    expect(parsed()[0]?.['err']).toEqual({
      type: 'AppError',
      code: 'GW_UNREACHABLE',
      message: 'the gateway is down',
      cause: { type: 'Error', code: 'ECONNREFUSED', message: 'connect', stack: expect.any(String) },
    });
  });
});

describe('lines of a child process', () => {
  it('keep their level, sentence and fields, and lose their own time and pid', () => {
    const { log, parsed } = capture();
    logChildLine(log, 'sip-edge', '{"level":"warn","time":"x","pid":1,"msg":"odd Via","source":"127.0.0.1"}');
    logChildLine(log, 'sip-edge', '{"level":50,"time":1,"msg":"broken"}');
    expect(parsed().every((line) => !('pid' in line))).toBe(true);
    expect(parsed()).toMatchObject([
      { level: 'warn', child: 'sip-edge', msg: 'odd Via', source: '127.0.0.1' },
      { level: 'error', child: 'sip-edge', msg: 'broken' },
    ]);
  });

  it('are warnings when they are no JSON, and pass the net', () => {
    const { log, parsed } = capture();
    logChildLine(log, 'media-worker-0', `assertion failed near ${kPan}`);
    logChildLine(log, 'media-worker-0', '{broken');
    expect(parsed()).toMatchObject([
      { level: 'warn', child: 'media-worker-0', msg: 'assertion failed near [digits]' },
      { level: 'warn', msg: '{broken' },
    ]);
  });
});
