import { dateAndTime } from '../shared/format.ts';
import { ScrollBox } from '../shared/scroll-box.tsx';
import type { AuditEntry } from './timeline.ts';

type Media = Readonly<Record<string, number>>;
type Named = readonly (readonly [name: string, field: string, unit: string])[];

const kQuality: Named = [
  ['Opinion score (1 to 4.4)', 'mos', ''],
  ['Packets received', 'packetsReceived', ''],
  ['Packets lost', 'packetsLost', ''],
  ['Jitter', 'jitterMs', ' ms'],
  ['Round trip', 'roundTripMs', ' ms'],
  ['Concealed', 'concealedMs', ' ms'],
  ['Foreign packets', 'packetsForeign', ''],
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

export function Quality({ media }: { readonly media: Media | null }) {
  return (
    <Figures title="Quality" media={media} named={kQuality} none="The customer’s leg has not ended yet." />
  );
}

/** What was kept from those who listened. */
export function ClampReport({ media }: { readonly media: Media | null }) {
  const clamped = media && 'clampArmedMs' in media ? media : null;
  const worst = clamped?.['clampWorstResidualDbm0'];
  const trace = worst === undefined || worst <= kNoTraceDbm0 ? 'none' : `${worst} dBm0`;
  return (
    <Figures
      title="Clamp"
      media={clamped}
      named={kClamp}
      none="Nobody was on the line who had to be kept from hearing keys, or the leg has not ended yet."
      last={['Worst trace let through', trace]}
    />
  );
}

function Figures({
  title,
  media,
  named,
  none,
  last,
}: {
  readonly title: string;
  readonly media: Media | null;
  readonly named: Named;
  readonly none: string;
  readonly last?: readonly [string, string];
}) {
  const shown = named.filter(([, field]) => media?.[field] !== undefined);
  return (
    <section class="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      {media === null ? (
        <p class="muted">{none}</p>
      ) : (
        <dl class="facts">
          {shown.map(([name, field, unit]) => (
            <div key={field}>
              <dt>{name}</dt>
              <dd>{`${rounded(media[field] ?? 0)}${unit}`}</dd>
            </div>
          ))}
          {last && (
            <div>
              <dt>{last[0]}</dt>
              <dd>{last[1]}</dd>
            </div>
          )}
        </dl>
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
