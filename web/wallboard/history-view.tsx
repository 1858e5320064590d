import { useEffect, useState } from 'preact/hooks';
import { countText, durationText, plain, shapeText } from '../shared/format.ts';
import { type ApiClient, wordsOf } from '../shared/http.ts';
import { ScrollBox } from '../shared/scroll-box.tsx';
import { KpiTiles } from './kpi-tiles.tsx';
import { Plot } from './plot.tsx';
import {
  dateOf,
  daysLater,
  type Figures,
  type Filter,
  type Grouping,
  type Journeys,
  journeysPath,
  type Range,
  type Report,
  reportPath,
} from './report.ts';
import { seriesOf } from './series.ts';
import { ShareBar } from './share-bar.tsx';

export interface HistoryViewProps {
  readonly api: ApiClient;
  readonly filter: Filter;
}

const kSpans = [
  { name: 'Day', days: 1, by: 'hour' },
  { name: 'Week', days: 7, by: 'day' },
  { name: 'Month', days: 31, by: 'day' },
  { name: 'Year', days: 366, by: 'month' },
] as const satisfies readonly { readonly name: string; readonly days: number; readonly by: Grouping }[];

const kGroupings: readonly Grouping[] = ['quarter', 'hour', 'day', 'week', 'month'];
const kGroupingNames: Readonly<Record<Grouping, string>> = {
  quarter: 'Quarter of an hour',
  hour: 'Hour',
  day: 'Day',
  week: 'Week',
  month: 'Month',
};

interface Asked {
  /** Dates, both of them counted. */
  readonly first: string;
  readonly last: string;
  readonly by: Grouping;
}

/** Figures of any range, beside those of the range before it. */
export function HistoryView({ api, filter }: HistoryViewProps) {
  const [asked, setAsked] = useState<Asked>(() => spanned(7, 'day'));
  const range: Range = {
    from: asked.first,
    to: dateOf(daysLater(localDate(asked.last), 1)),
    by: asked.by,
    compare: 'before',
  };
  const { history, problem } = useHistory(api, range, filter);
  const report = history?.report;
  return (
    <>
      <RangeForm
        asked={asked}
        onChange={setAsked}
        onExport={() => void exportCsv(api, range, filter, asked)}
      />
      {problem !== null && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
      {history && report && (
        <>
          <KpiTiles figures={report.total} before={report.before} beforeName="the period before" />
          <section class="panel" aria-labelledby="history">
            <header>
              <h2 id="history">
                {asked.first} to {asked.last}
              </h2>
            </header>
            <Plot
              series={seriesOf(
                report.periods,
                asked.by,
                Date.parse(report.from),
                Math.min(Date.parse(report.to), Date.now()),
              )}
              label={`Payments from ${asked.first} to ${asked.last}`}
            />
          </section>
          <FiguresTable
            title="By period"
            first={kGroupingNames[asked.by]}
            rows={report.periods}
            total={report.total}
          />
          {history.byTopology.length > 1 && (
            <FiguresTable title="By shape of call" first="Shape" rows={history.byTopology} total={null} />
          )}
          {history.byMerchant.length > 1 && (
            <FiguresTable title="By merchant" first="Merchant" rows={history.byMerchant} total={null} />
          )}
          <div class="columns two">
            <Results report={report} />
            <Steps journeys={history.journeys} />
          </div>
        </>
      )}
    </>
  );
}

function spanned(days: number, by: Grouping): Asked {
  const today = new Date();
  return { first: dateOf(daysLater(today, 1 - days)), last: dateOf(today), by };
}

function localDate(text: string): Date {
  return new Date(`${text}T12:00:00`);
}

/** What a range is shown by. */
interface History {
  readonly report: Report;
  readonly byMerchant: readonly Figures[];
  readonly byTopology: readonly Figures[];
  readonly journeys: Journeys;
}

function useHistory(api: ApiClient, range: Range, filter: Filter) {
  const [history, setHistory] = useState<History | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const path = reportPath(range, filter);
  useEffect(() => {
    let isOld = false;
    readHistory(api, range, filter).then(
      (read) => {
        if (isOld) return;
        setProblem(null);
        setHistory(read);
      },
      (error: unknown) => setProblem(wordsOf(error)),
    );
    return () => {
      isOld = true;
    };
    // The path says all of range and filter.
  }, [api, path]);
  return { history, problem };
}

async function readHistory(api: ApiClient, range: Range, filter: Filter): Promise<History> {
  const [report, merchants, journeys] = await Promise.all([
    api.get<Report>(reportPath({ ...range, split: 'topology' }, filter)),
    api.get<Report>(reportPath({ ...range, split: 'merchant' }, filter)),
    api.get<Journeys>(journeysPath(range, filter)),
  ]);
  const named = ({ parts = [] }: Report, nameOf: (part: string) => string) =>
    parts.map(({ part, total }) => ({ ...total, period: nameOf(part) }));
  return {
    report,
    byTopology: named(report, shapeText),
    byMerchant: named(merchants, (part) => (part === '' ? 'None' : part)),
    journeys,
  };
}

function RangeForm({
  asked,
  onChange,
  onExport,
}: {
  readonly asked: Asked;
  readonly onChange: (asked: Asked) => void;
  readonly onExport: () => void;
}) {
  return (
    <form class="panel range" onSubmit={(event) => event.preventDefault()} aria-label="Range">
      <div class="row">
        {kSpans.map(({ name, days, by }) => (
          <button key={name} type="button" onClick={() => onChange(spanned(days, by))}>
            {name}
          </button>
        ))}
      </div>
      <div>
        <label for="first">From</label>
        <input
          id="first"
          type="date"
          required
          max={asked.last}
          value={asked.first}
          onChange={({ currentTarget: { value } }) => value !== '' && onChange({ ...asked, first: value })}
        />
      </div>
      <div>
        <label for="last">To</label>
        <input
          id="last"
          type="date"
          required
          min={asked.first}
          value={asked.last}
          onChange={({ currentTarget: { value } }) => value !== '' && onChange({ ...asked, last: value })}
        />
      </div>
      <div>
        <label for="by">By</label>
        <select
          id="by"
          value={asked.by}
          onChange={({ currentTarget: { value } }) => onChange({ ...asked, by: value as Grouping })}
        >
          {kGroupings.map((each) => (
            <option key={each} value={each}>
              {kGroupingNames[each]}
            </option>
          ))}
        </select>
      </div>
      <button type="button" onClick={onExport}>
        Export CSV
      </button>
    </form>
  );
}

async function exportCsv(api: ApiClient, range: Range, filter: Filter, asked: Asked): Promise<void> {
  const text = await api.text(reportPath({ ...range, by: asked.by }, filter, 'csv'));
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `payments-${asked.first}-${asked.last}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}

function FiguresTable({
  title,
  first,
  rows,
  total,
}: {
  readonly title: string;
  readonly first: string;
  readonly rows: readonly Figures[];
  readonly total: Figures | null;
}) {
  const id = `table-${first}`;
  const cells = (figures: Figures) => [
    figures.entered,
    figures.successful,
    figures.unsuccessful,
    figures.active,
    figures.attempted,
    figures.hangUps.all,
  ];
  const line = (figures: Figures, name: string) => (
    <tr key={figures.period}>
      <td>{name}</td>
      {cells(figures).map((value, at) => (
        <td key={kColumns[at]} class="number">
          {countText(value)}
        </td>
      ))}
      <td class="number">{durationText(figures.averageDurationMs.success)}</td>
    </tr>
  );
  return (
    <section class="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
      </header>
      <ScrollBox label={`Table ${title.toLowerCase()}`} isTall>
        <table>
          <thead>
            <tr>
              <th>{first}</th>
              {kColumns.map((name) => (
                <th key={name} class="number">
                  {name}
                </th>
              ))}
              <th class="number">Average</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((figures) => line(figures, figures.period))}
            {total && line(total, 'Total')}
          </tbody>
        </table>
      </ScrollBox>
    </section>
  );
}

const kColumns = ['Entered', 'Successful', 'Unsuccessful', 'Active', 'Attempted', 'Hang-ups'] as const;

function Results({ report }: { readonly report: Report }) {
  return (
    <section class="panel" aria-labelledby="results">
      <header>
        <h2 id="results">Results</h2>
      </header>
      <dl class="counts">
        {report.results.map(({ result, sessions }) => (
          <div key={result}>
            <dt>{plain(result)}</dt>
            <dd>{countText(sessions)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Where callers give up, how long a step takes them, and what they enter wrong. */
function Steps({ journeys: { steps, errors } }: { readonly journeys: Journeys }) {
  const most = Math.max(1, ...steps.map(({ lost }) => lost));
  return (
    <section class="panel" aria-labelledby="given-up">
      <header>
        <h2 id="given-up">Where payments end without success</h2>
      </header>
      <dl class="steps with-time">
        {steps.map(({ stage, sessions, lost, averageMs }) => (
          <div key={stage}>
            <dt>{plain(stage)}</dt>
            <dd>
              <ShareBar value={lost} most={most} />
              <span>{countText(lost)}</span>
              <span class="muted small">
                of {countText(sessions)}, {durationText(averageMs)} each
              </span>
            </dd>
          </div>
        ))}
      </dl>
      {errors.length > 0 && (
        <p class="muted small">
          Entered wrong:{' '}
          {errors
            .map(({ field, error, count }) => `${field} ${plain(error).toLowerCase()} ${count}`)
            .join(', ')}
        </p>
      )}
    </section>
  );
}
