import { capitalized, plain } from '../shared/format.ts';
import { ScrollBox } from '../shared/scroll-box.tsx';
import type { Span, Spans } from './timeline.ts';

const kWidth = 1000;
const kLeft = 96;
const kRowHeight = 30;
const kBarHeight = 18;
const kTicks = 6;
const kNarrowestName = 60;
const kLetterWidth = 6.4;

/** Everything that lasted, true to scale. */
export function Overview({ spans }: { readonly spans: Spans }) {
  const { lengthMs, legs, dialog, secure, gateway } = spans;
  const rows = [
    ...legs.map((span) => ({ name: capitalized(span.name), kind: 'leg', list: [span] })),
    { name: 'Secure mode', kind: 'secure', list: secure },
    { name: 'Dialog', kind: 'dialog', list: dialog },
    { name: 'Gateway', kind: 'gateway', list: gateway },
  ];
  const height = rows.length * kRowHeight + 26;
  const xOf = (ms: number) => kLeft + (ms / lengthMs) * (kWidth - kLeft - 8);
  return (
    <ScrollBox label="What lasted how long">
      <figure class="overview">
        <svg
          viewBox={`0 0 ${kWidth} ${height}`}
          role="img"
          aria-label="Legs, secure mode, dialog and gateway on one axis; the ladder has the same in words"
        >
          {Array.from({ length: kTicks + 1 }, (_, at) => {
            const ms = (lengthMs * at) / kTicks;
            return (
              <g key={at} class="tick">
                <line x1={xOf(ms)} x2={xOf(ms)} y1={0} y2={height - 20} />
                <text x={xOf(ms)} y={height - 5} text-anchor={at === kTicks ? 'end' : 'middle'}>
                  {(ms / 1000).toFixed(lengthMs < 30_000 ? 1 : 0)} s
                </text>
              </g>
            );
          })}
          {rows.map(({ name, kind, list }, at) => (
            <g key={name} class={kind}>
              <text class="lane" x={0} y={at * kRowHeight + 19}>
                {name}
              </text>
              {list.map((span) => (
                <Bar key={`${span.fromMs}${span.name}`} span={span} y={at * kRowHeight + 6} xOf={xOf} />
              ))}
            </g>
          ))}
        </svg>
      </figure>
    </ScrollBox>
  );
}

function Bar({
  span,
  y,
  xOf,
}: {
  readonly span: Span;
  readonly y: number;
  readonly xOf: (ms: number) => number;
}) {
  const [x, end] = [xOf(span.fromMs), xOf(span.toMs)];
  const width = Math.max(2, end - x - 1);
  const name = /^[A-Z_]+$/.test(span.name) ? plain(span.name) : span.name;
  const fits = width >= kNarrowestName && name.length * kLetterWidth < width - 8;
  return (
    <g>
      <title>{`${name}: ${((span.toMs - span.fromMs) / 1000).toFixed(1)} s`}</title>
      <rect x={x} y={y} width={width} height={kBarHeight} rx={3} />
      {fits && (
        <text class="inside" x={x + 6} y={y + 13}>
          {name}
        </text>
      )}
    </g>
  );
}
