import { useEffect, useState } from 'preact/hooks';
import { shapeText } from '../shared/format.ts';
import { type ApiClient, wordsOf } from '../shared/http.ts';
import { Durations, Errors, FiguresTable, Results, Steps } from './history-tables.tsx';
import { KpiTiles } from './kpi-tiles.tsx';
import { Plot } from './plot.tsx';
import {
  dateOf,
  daysLater,
  type Figures,
  type Filter,
  type Grouping,
  type Journeys,
  type JourneyTable,
  journeysPath,
  type Range,
  type Report,
  type ReportTable,
  reportPath,
} from './report.ts';
import { seriesOf } from './series.ts';

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

const kExportedForMs = 60_000;
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
  const csv = (path: string, name: string) => () =>
    void exportCsv(api, path, `${name}-${asked.first}-${asked.last}.csv`);
  const csvOf = (table: ReportTable, more: Partial<Range> = {}) =>
    csv(reportPath({ ...range, ...more }, filter, table), more.split ? `by-${more.split}` : table);
  const journeysCsvOf = (table: JourneyTable) => csv(journeysPath(range, filter, table), table);
  return (
    <>
      <RangeForm asked={asked} onChange={setAsked} />
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
            onExport={csvOf('periods')}
          />
          {history.byTopology.length > 1 && (
            <FiguresTable
              title="By shape of call"
              first="Shape"
              rows={history.byTopology}
              total={null}
              onExport={csvOf('parts', { split: 'topology' })}
            />
          )}
          {history.byMerchant.length > 1 && (
            <FiguresTable
              title="By merchant"
              first="Merchant"
              rows={history.byMerchant}
              total={null}
              onExport={csvOf('parts', { split: 'merchant' })}
            />
          )}
          <div class="columns two">
            <Results report={report} onExport={csvOf('results')} />
            <Durations report={report} onExport={csvOf('durations')} />
          </div>
          <Steps steps={history.journeys.steps} onExport={journeysCsvOf('steps')} />
          <Errors errors={history.journeys.errors} onExport={journeysCsvOf('errors')} />
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
}: {
  readonly asked: Asked;
  readonly onChange: (asked: Asked) => void;
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
    </form>
  );
}

async function exportCsv(api: ApiClient, path: string, name: string): Promise<void> {
  const url = URL.createObjectURL(new Blob([await api.text(path)], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), kExportedForMs); // the browser may take it later
}
