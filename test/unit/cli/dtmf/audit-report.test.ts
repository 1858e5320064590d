import { describe, expect, it } from 'vitest';
import {
  type AuditReport,
  auditText,
  type Finding,
  summaryOf,
} from '../../../../src/cli/dtmf/audit-report.ts';

const press: Finding = { kind: 'press', sureness: 'certain', channel: 2, atMs: 3_723_456, durationMs: 80 };
const fragment: Finding = {
  kind: 'fragment',
  sureness: 'possible',
  channel: 1,
  atMs: 59_950,
  durationMs: 16,
};

function reportOf(...findings: readonly Finding[]): AuditReport {
  return {
    recordings: [
      { file: 'calls/a.wav', durationMs: 7_200_000, channels: 2, findings },
      { file: 'calls/b.wav', durationMs: 1_800_000, channels: 1, findings: [] },
    ],
    unreadable: [],
  };
}

describe('the report of an audit', () => {
  it('counts recordings, hours, presses and fragments', () => {
    expect(summaryOf(reportOf(press, fragment, fragment))).toEqual({
      recordings: 2,
      hours: 2.5,
      affected: 1,
      presses: 1,
      fragments: 2,
    });
  });

  it('says which recording, when, how long, on which channel and how sure', () => {
    expect(auditText(reportOf(fragment, press)).split('\n')).toEqual([
      'calls/a.wav',
      '  0:00:59.9  fragment of a key press, 16 ms, channel 1 (possible)',
      '  1:02:03.4  key press, 80 ms, channel 2 (certain)',
      '',
      '2 recordings, 2.5 h: 1 key press and 1 fragment in 1 recording. Whoever has these can find out the keys: remove or mask them.',
      '',
    ]);
  });

  it('does not name clean recordings, and does not call unread ones clean', () => {
    expect(auditText(reportOf())).toBe('2 recordings, 2.5 h: no key press and no fragment of one found.\n');
    const unread = { recordings: [], unreadable: [{ file: 'c.wav', problem: 'it is no RIFF WAVE file' }] };
    expect(auditText(unread)).toBe(
      'not read: c.wav: it is no RIFF WAVE file\nNo recording was read: nothing is known.\n',
    );
  });
});
