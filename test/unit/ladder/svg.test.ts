import { expect, test } from 'vitest';
import type { LadderRow } from '../../../src/ladder/row.ts';
import { drawLadderSvg } from '../../../src/ladder/svg.ts';

function row(kind: LadderRow['kind'], text: string, method = 'INVITE'): LadderRow {
  return { atMs: 1_234, kind, text, method };
}

test('draws a line, an arrow head and a time per message, and a remark without an arrow', () => {
  const svg = drawLadderSvg(
    [row('sent', 'INVITE sip:pay@h'), row('received', '200 OK'), row('note', 'keys')],
    ['caller', 'hushpay'],
  );
  expect(svg.match(/<path d="M710 /g)).toHaveLength(1); // to the right
  expect(svg.match(/<path d="M110 /g)).toHaveLength(1); // to the left
  expect(svg.match(/>1\.234</g)).toHaveLength(3);
  expect(svg).toContain('· keys ·');
});

test('every text is escaped, and nothing is run or loaded', () => {
  const svg = drawLadderSvg([row('sent', `<script>alert("1")</script>&'\u0000\ud800`)], ['<b>', 'hushpay']);
  expect(svg).not.toMatch(/<script|<b>|href|style=|onload|url\(/);
  expect(svg).toContain('&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#38;&#39;??');
});

test('a run of INFO is one line', () => {
  const svg = drawLadderSvg(
    [row('sent', 'INFO', 'INFO'), row('received', '200', 'INFO'), row('sent', 'INFO', 'INFO')],
    ['a', 'b'],
  );
  expect(svg).toContain('2 × INFO and 200');
});
