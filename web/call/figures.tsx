import { capitalized, dateAndTime } from '../shared/format.ts';
import { ScrollBox } from '../shared/scroll-box.tsx';
import { type AuditEntry, legNames, type TimelineLeg } from './timeline.ts';

type Named = readonly (readonly [name: string, field: string, unit: string])[];

const kQuality: Named = [
  ['Opinion score (1 to 4.4)', 'mos', ''],
  ['Packets received', 'packetsReceived', ''],
  ['Packets lost', 'packetsLost', ''],
  ['Packets late', 'packetsLate', ''],
  ['Jitter', 'jitterMs', ' ms'],
  ['Round trip', 'roundTripMs', ' ms'],
  ['Concealed', 'concealedMs', ' ms'],
  ['Foreign packets', 'packetsForeign', ''],
  ['Forged packets', 'packetsForged', ''],
  ['Playout delay', 'playoutMs', ' ms'],
];

const kClamp: Named = [
  ['Keys as tones', 'clampTonePresses', ''],
  ['Keys as events', 'clampEventPresses', ''],
  ['Keys otherwise', 'clampOtherPresses', ''],
  ['Armed', 'clampArmedMs', ' ms'],
  ['Closed', 'clampClampedMs', ' ms'],
  ['Closed without a key', 'clampGuardEvents', ' times'],
  ['Missing', 'clampMissingMs', ' ms'],
];

const kNoTraceDbm0 = -99;

export function Quality({ legs }: { readonly legs: readonly TimelineLeg[] }) {
  return (
    <Figures
      title="Quality"
      legs={legs}
      named={kQuality}
      none="No leg has ended yet: what they were like is known then."
      first={['Codec', ({ codec }) => codec ?? '–']}
    />
  );
}

/** What was kept from those who listened. */
export function ClampReport({ legs }: { readonly legs: readonly TimelineLeg[] }) {
  return (
    <Figures
      title="Clamp"
      legs={legs.filter(({ media }) => media !== null && 'clampArmedMs' in media)}
      named={kClamp}
      none="Nobody was on the line who had to be kept from hearing keys, or the leg has not ended yet."
      first={['Worst trace let through', traceIn]}
    />
  );
}

function traceIn({ media }: TimelineLeg): string {
  const worst = media?.['clampWorstResidualDbm0'];
  return worst === undefined || worst <= kNoTraceDbm0 ? 'none' : `${worst} dBm0`;
}

/** A row for each figure, a column for each leg. */
function Figures({
  title,
  legs,
  named,
  none,
  first: [firstName, firstOf],
}: {
  readonly title: string;
  readonly legs: readonly TimelineLeg[];
  readonly named: Named;
  readonly none: string;
  readonly first: readonly [string, (leg: TimelineLeg) => string];
}) {
  const names = legNames(legs);
  const measured = legs.some(({ media }) => media !== null);
  const shown = named.filter(([, field]) => legs.some(({ media }) => media?.[field] !== undefined));
  const row = (name: string, cellOf: (leg: TimelineLeg) => string) => (
    <tr key={name}>
      <th scope="row">{name}</th>
      {legs.map((leg) => (
        <td key={leg.callId} class="number">
          {leg.media === null ? '–' : cellOf(leg)}
        </td>
      ))}
    </tr>
  );
  return (
    <section class="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      {measured ? (
        <ScrollBox label={`Table of ${title.toLowerCase()}`}>
          <table class="by-leg">
            <thead>
              <tr>
                <td />
                {names.map((name) => (
                  <th key={name} scope="col" class="number">
                    {capitalized(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {row(firstName, firstOf)}
              {shown.map(([name, field, unit]) =>
                row(name, ({ media }) => {
                  const value = media?.[field];
                  return value === undefined ? '–' : `${rounded(value)}${unit}`;
                }),
              )}
            </tbody>
          </table>
        </ScrollBox>
      ) : (
        <p class="muted">{none}</p>
      )}
    </section>
  );
}

function rounded(value: number): string {
  return Number(value.toPrecision(4)).toLocaleString();
}

export function Audit({ entries }: { readonly entries: readonly AuditEntry[] }) {
  return (
    <section class="panel" aria-labelledby="audit">
      <header>
        <h2 id="audit">Audit</h2>
        <span class="muted small">
          {entries.length === 0 ? 'Nothing was submitted' : `${entries.length} entries`}
        </span>
      </header>
      {entries.length > 0 && (
        <ScrollBox label="Table of audit entries">
          <table>
            <thead>
              <tr>
                <th class="number">Entry</th>
                <th>When</th>
                <th>Who</th>
                <th>What</th>
                <th>Detail</th>
              </tr>
            </thead>
            <tbody>
              {entries.map(({ seq, at, actor, action, detail }) => (
                <tr key={seq}>
                  <td class="number">{seq}</td>
                  <td>{dateAndTime(at)}</td>
                  <td>{actor}</td>
                  <td>{action}</td>
                  <td>{detailText(detail)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollBox>
      )}
    </section>
  );
}

function detailText(detail: AuditEntry['detail']): string {
  const told = Object.entries(detail).filter(([, value]) => value !== null);
  return told.map(([name, value]) => `${name} ${String(value)}`).join(', ');
}
