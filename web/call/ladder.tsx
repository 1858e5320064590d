import { ScrollBox } from '../shared/scroll-box.tsx';
import { kLanes, type Lane, type Timeline, type TimelineEntry } from './timeline.ts';

const kLaneNames: Readonly<Record<Lane, string>> = {
  sip: 'SIP',
  media: 'Media',
  dialog: 'Dialog',
  gateway: 'Gateway',
  audit: 'Audit',
};
const kArrows = { sent: '→', received: '←', note: '' } as const;
const kArrowNames = { sent: 'to hushpay', received: 'from hushpay', note: '' } as const;

/** All that happened, a row each, in the column of the part it happened in. */
export function Ladder({ timeline, startMs }: { readonly timeline: Timeline; readonly startMs: number }) {
  return (
    <section class="panel" aria-labelledby="ladder">
      <header>
        <h2 id="ladder">Ladder</h2>
        <span class="muted small">
          {timeline.peer === null
            ? 'The SIP of this call is not kept any more'
            : `${timeline.peer} ⇄ hushpay`}
        </span>
      </header>
      <ScrollBox label="Table of what happened">
        <table class="ladder">
          <thead>
            <tr>
              <th class="number">Seconds</th>
              {kLanes.map((lane) => (
                <th key={lane} class={lane}>
                  {kLaneNames[lane]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {timeline.entries.map((entry, at) => (
              <Row key={`${entry.at}${at}`} entry={entry} startMs={startMs} />
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </section>
  );
}

function Row({ entry, startMs }: { readonly entry: TimelineEntry; readonly startMs: number }) {
  const { at, lane, kind, text } = entry;
  return (
    <tr>
      <td class="number">
        <time dateTime={at}>{((Date.parse(at) - startMs) / 1000).toFixed(3)}</time>
      </td>
      {kLanes.map((each) => (
        <td key={each} class={each === lane ? `${each} ${kind} here` : each} data-lane={kLaneNames[each]}>
          {each === lane && (
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
