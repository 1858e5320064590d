import { capitalized, dateAndTime } from '../shared/format.ts';
import { ScrollBox } from '../shared/scroll-box.tsx';
import { kLanes, type Lane, legNames, type Timeline, type TimelineEntry } from './timeline.ts';

const kLaneNames: Readonly<Record<Lane, string>> = {
  sip: 'SIP',
  media: 'Media',
  dialog: 'Dialog',
  gateway: 'Gateway',
  audit: 'Audit',
};
const kArrows = { sent: '→', received: '←', note: '' } as const;
const kArrowNames = { sent: 'to hushpay', received: 'from hushpay', note: '' } as const;

/** A column: a lane, and of SIP that of one leg. */
interface Column {
  readonly lane: Lane;
  readonly name: string;
  readonly leg: number | null;
  /** Far end of a leg; null: its SIP is not kept any more; left out: no leg. */
  readonly peer?: string | null;
}

const kFewLegs = 2;
/** Later than this, seconds since the beginning say nothing to anybody. */
const kLongAfterMs = 3_600_000;

/** All that happened, a row each, in the column of the part it happened in. */
export function Ladder({ timeline, startMs }: { readonly timeline: Timeline; readonly startMs: number }) {
  const columns = columnsOf(timeline);
  return (
    <section class="panel" aria-labelledby="ladder">
      <header>
        <h2 id="ladder">Ladder</h2>
        <span class="muted small">→ to hushpay, ← from hushpay</span>
      </header>
      <ScrollBox label="Table of what happened">
        <table class={timeline.legs.length > kFewLegs ? 'ladder' : 'ladder few'}>
          <thead>
            <tr>
              <th class="number">Seconds</th>
              {columns.map(({ lane, name, peer }) => (
                <th key={name} class={lane}>
                  {name}
                  {peer !== undefined && <span class="peer">{peer ?? 'not kept any more'}</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {timeline.entries.map((entry, at) => (
              <Row key={`${entry.at}${at}`} entry={entry} columns={columns} startMs={startMs} />
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </section>
  );
}

function columnsOf({ legs }: Timeline): readonly Column[] {
  const names = legNames(legs);
  return kLanes.flatMap((lane): readonly Column[] => {
    if (lane !== 'sip' || legs.length === 0) return [{ lane, name: kLaneNames[lane], leg: null }];
    return legs.map(({ peer }, leg) => ({
      ...{ lane, leg, peer },
      name: `${capitalized(names[leg] ?? '')} ${kLaneNames[lane]}`,
    }));
  });
}

function Row({
  entry: { at, lane, kind, text, leg },
  columns,
  startMs,
}: {
  readonly entry: TimelineEntry;
  readonly columns: readonly Column[];
  readonly startMs: number;
}) {
  const sinceMs = Date.parse(at) - startMs;
  const isHere = (column: Column) => column.lane === lane && (lane !== 'sip' || column.leg === leg);
  return (
    <tr>
      <td class="number">
        <time dateTime={at}>{sinceMs > kLongAfterMs ? dateAndTime(at) : (sinceMs / 1000).toFixed(3)}</time>
      </td>
      {columns.map((column) => (
        <td
          key={column.name}
          class={isHere(column) ? `${lane} ${kind} here` : column.lane}
          data-lane={column.name}
        >
          {isHere(column) && (
            <span class="what">
              {kind !== 'note' && (
                <span class="arrow" role="img" aria-label={kArrowNames[kind]}>
                  {kArrows[kind]}
                </span>
              )}
              {text}
            </span>
          )}
        </td>
      ))}
    </tr>
  );
}
