import type { ComponentChildren } from 'preact';
import { capitalized, countText, durationText, plain } from '../shared/format.ts';
import { ScrollBox } from '../shared/scroll-box.tsx';
import { type Figures, type Journeys, kOutcomes, type Report } from './report.ts';
import { ShareBar } from './share-bar.tsx';

interface Exported {
  /** Gives the same table as CSV. */
  readonly onExport: () => void;
}

/** A panel with one table, and the way to have it as CSV. */
function TablePanel({
  title,
  isTall = false,
  onExport,
  children,
}: Exported & {
  readonly title: string;
  readonly isTall?: boolean;
  readonly children: ComponentChildren;
}) {
  const id = `table-${title.toLowerCase().replaceAll(' ', '-')}`;
  return (
    <section class="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        <button
          type="button"
          class="quiet"
          aria-label={`Export ${title.toLowerCase()} as CSV`}
          onClick={onExport}
        >
          CSV
        </button>
      </header>
      <ScrollBox label={`Table ${title.toLowerCase()}`} isTall={isTall}>
        <table>{children}</table>
      </ScrollBox>
    </section>
  );
}

function Head({ first, names }: { readonly first: string; readonly names: readonly string[] }) {
  return (
    <thead>
      <tr>
        <th>{first}</th>
        {names.map((name) => (
          <th key={name} class="number">
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Line({ name, cells }: { readonly name: string; readonly cells: readonly ComponentChildren[] }) {
  return (
    <tr>
      <td>{name}</td>
      {cells.map((cell, at) => (
        <td key={at} class="number">
          {cell}
        </td>
      ))}
    </tr>
  );
}

const kColumns = [
  'Entered',
  'Successful',
  'Unsuccessful',
  'Active',
  'Attempted',
  'Hang-ups',
  'Average',
] as const;

/** The six figures of each period, merchant or shape. */
export function FiguresTable({
  title,
  first,
  rows,
  total,
  onExport,
}: Exported & {
  readonly title: string;
  readonly first: string;
  readonly rows: readonly Figures[];
  readonly total: Figures | null;
}) {
  const cells = (figures: Figures) => [
    countText(figures.entered),
    countText(figures.successful),
    countText(figures.unsuccessful),
    countText(figures.active),
    countText(figures.attempted),
    countText(figures.hangUps.all),
    durationText(figures.averageDurationMs.success),
  ];
  return (
    <TablePanel title={title} isTall onExport={onExport}>
      <Head first={first} names={kColumns} />
      <tbody>
        {rows.map((figures) => (
          <Line key={figures.period} name={figures.period} cells={cells(figures)} />
        ))}
        {total && <Line name="Total" cells={cells(total)} />}
      </tbody>
    </TablePanel>
  );
}

/** How sessions ended, and how long those took. */
export function Results({ report, onExport }: Exported & { readonly report: Report }) {
  return (
    <TablePanel title="Results" onExport={onExport}>
      <Head first="Result" names={['Sessions', 'Average', 'p95']} />
      <tbody>
        {report.results.map(({ result, outcome, sessions, averageMs, p95Ms }) => (
          <Line
            key={`${result} ${outcome}`}
            name={plain(result)}
            cells={[countText(sessions), durationText(averageMs), durationText(p95Ms)]}
          />
        ))}
      </tbody>
    </TablePanel>
  );
}

/** How long sessions took by outcome, with and without the time callers were away to be identified. */
export function Durations({ report, onExport }: Exported & { readonly report: Report }) {
  const { total, durations } = report;
  return (
    <TablePanel title="Duration by outcome" onExport={onExport}>
      <Head first="Outcome" names={['Average', 'Without ID&V', 'p50', 'p95']} />
      <tbody>
        {kOutcomes.map((outcome) => (
          <Line
            key={outcome}
            name={capitalized(outcome)}
            cells={[
              durationText(total.averageDurationMs[outcome]),
              durationText(total.averageActiveMs[outcome]),
              durationText(durations[outcome]?.p50Ms),
              durationText(durations[outcome]?.p95Ms),
            ]}
          />
        ))}
      </tbody>
    </TablePanel>
  );
}

/** Where callers give up, and how long a step takes them. */
export function Steps({ steps, onExport }: Exported & Pick<Journeys, 'steps'>) {
  const most = Math.max(1, ...steps.map(({ lost }) => lost));
  return (
    <TablePanel title="Steps" onExport={onExport}>
      <Head first="Step" names={['Sessions', 'Lost here', 'Share of losses', 'Average', 'p50', 'p95']} />
      <tbody>
        {steps.map(({ stage, sessions, lost, averageMs, p50Ms, p95Ms }) => (
          <Line
            key={stage}
            name={plain(stage)}
            cells={[
              countText(sessions),
              countText(lost),
              <ShareBar value={lost} most={most} />,
              durationText(averageMs),
              durationText(p50Ms),
              durationText(p95Ms),
            ]}
          />
        ))}
      </tbody>
    </TablePanel>
  );
}

/** What callers entered wrong. */
export function Errors({ errors, onExport }: Exported & Pick<Journeys, 'errors'>) {
  if (errors.length === 0) return null;
  return (
    <TablePanel title="Entered wrong" onExport={onExport}>
      <Head first="Field" names={['Error', 'Times', 'Sessions']} />
      <tbody>
        {errors.map(({ field, error, count, sessions }) => (
          <Line
            key={`${field} ${error}`}
            name={capitalized(field)}
            cells={[plain(error), countText(count), countText(sessions)]}
          />
        ))}
      </tbody>
    </TablePanel>
  );
}
