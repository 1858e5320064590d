import { type Columns, gathered, type LadderRow, shortened, timeText } from './row.ts';

const kLeftX = 110;
const kRightX = 710;
const kWidth = 820;
const kTopY = 48;
const kRowHeight = 28;
const kTextLength = 84;
const kHeadPx = 6;

/**
 * The rows as a picture of its own: no script, no style sheet, nothing from elsewhere, so that it shows under the strictest
 * content security policy. Every text is escaped.
 */
export function drawLadderSvg(rows: readonly LadderRow[], columns: Columns): string {
  const drawn = gathered(rows).map((row, index) => drawRow(row, kTopY + (index + 1) * kRowHeight));
  const height = kTopY + (drawn.length + 1) * kRowHeight;
  const title = `SIP between ${columns[0]} and ${columns[1]}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${kWidth} ${height}" width="${kWidth}" height="${height}" role="img" font-family="monospace" font-size="12" fill="#1a1a1a" stroke-width="1">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${kWidth}" height="${height}" fill="#ffffff"/>`,
    ...[kLeftX, kRightX].map((x, index) => drawColumn(x, height, columns[index] ?? '')),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function drawColumn(x: number, height: number, name: string): string {
  return `${text(x, kTopY - 20, name, 'middle')}<line x1="${x}" y1="${kTopY - 10}" x2="${x}" y2="${height - 10}" stroke="#888888"/>`;
}

function drawRow(row: LadderRow, y: number): string {
  const time = text(kLeftX - 10, y + 4, timeText(row.atMs), 'end');
  const middle = (kLeftX + kRightX) / 2;
  if (row.kind === 'note')
    return time + text(middle, y + 4, `· ${shortened(row.text, kTextLength)} ·`, 'middle');
  return time + text(middle, y - 4, shortened(row.text, kTextLength), 'middle') + arrow(row.kind, y);
}

function arrow(kind: 'sent' | 'received', y: number): string {
  const [tip, back] = kind === 'sent' ? [kRightX, kRightX - kHeadPx] : [kLeftX, kLeftX + kHeadPx];
  return (
    `<line x1="${kLeftX}" y1="${y}" x2="${kRightX}" y2="${y}" stroke="#1a1a1a"/>` +
    `<path d="M${tip} ${y}L${back} ${y - 4}L${back} ${y + 4}Z"/>`
  );
}

function text(x: number, y: number, content: string, anchor: 'middle' | 'end'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

/** Also takes out what XML 1.0 section 2.2 allows nowhere. */
function escaped(content: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const clean = content.replace(/[\u0000-\u001f\u007f-\u009f\ud800-\udfff\ufffe\uffff]/g, '?');
  return clean.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
