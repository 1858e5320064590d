import type { ComponentChildren } from 'preact';
import { clockText, countText, minorText } from '../shared/format.ts';
import { type Figures, kOutcomes } from './report.ts';
import { changeOf } from './series.ts';

export interface KpiTilesProps {
  readonly figures: Figures;
  readonly before: Figures | undefined;
  /** What the comparison is with, such as `yesterday by now`. */
  readonly beforeName: string;
}

/** The six figures supervisors watch, each with the period before. */
export function KpiTiles({ figures, before, beforeName }: KpiTilesProps) {
  const { outcomes, hangUps, averageDurationMs: average } = figures;
  const tile = { beforeName };
  return (
    <ul class="tiles" aria-label="Key figures">
      <Tile {...tile} name="Entered" now={figures.entered} then={before?.entered} isGood="neither">
        {countText(figures.active)} active now
      </Tile>
      <Tile {...tile} name="Successful" now={figures.successful} then={before?.successful} isGood="more">
        {chargedText(figures)}
      </Tile>
      <Tile
        {...tile}
        name="Unsuccessful"
        now={figures.unsuccessful}
        then={before?.unsuccessful}
        isGood="less"
      >
        {outcomes.declined} declined, {outcomes.abandoned} abandoned, {outcomes.failed} failed,{' '}
        {outcomes.unknown} unknown
      </Tile>
      <Tile {...tile} name="Attempted" now={figures.attempted} then={before?.attempted} isGood="neither">
        by {countText(figures.attemptedSessions)} {figures.attemptedSessions === 1 ? 'session' : 'sessions'}
      </Tile>
      <Tile {...tile} name="Hang-ups inside" now={hangUps.all} then={before?.hangUps.all} isGood="less">
        {hangUps.before} before, {hangUps.inFlight} while sent, {hangUps.after} after
      </Tile>
      <Tile
        {...tile}
        name="Average duration"
        now={average.success}
        then={before?.averageDurationMs.success}
        isGood="less"
        write={(value) => clockText(value)}
      >
        {durationsText(average)}
      </Tile>
    </ul>
  );
}

interface TileProps {
  readonly name: string;
  readonly now: number | null;
  readonly then: number | null | undefined;
  readonly isGood: 'more' | 'less' | 'neither';
  readonly beforeName: string;
  readonly write?: (value: number) => string;
  readonly children: ComponentChildren;
}

function Tile({ name, now, then, isGood, beforeName, write = countText, children }: TileProps) {
  const change = changeOf(now, then);
  return (
    <li class="panel tile">
      <h2>{name}</h2>
      <p class="figure">{now === null ? '–' : write(now)}</p>
      <p class={`change ${toneOf(change, isGood)}`}>
        {change === null
          ? `${then === null || then === undefined ? '–' : write(then)} ${beforeName}`
          : `${signed(change)} on ${beforeName} (${write(then ?? 0)})`}
      </p>
      <p class="muted small">{children}</p>
    </li>
  );
}

function toneOf(change: number | null, isGood: TileProps['isGood']): string {
  if (change === null || isGood === 'neither' || Math.abs(change) < 0.005) return '';
  return change > 0 === (isGood === 'more') ? 'good' : 'bad';
}

function signed(share: number): string {
  const percent = Math.round(share * 100);
  return `${percent > 0 ? '+' : percent < 0 ? '−' : '±'}${Math.abs(percent)} %`;
}

/** Gross, and net where something was given back. */
function chargedText({ charged, net }: Figures): string {
  const sums = Object.entries(charged).map(([currency, minor]) => {
    const left = net[currency] ?? minor;
    const gross = minorText(minor, currency);
    return left === minor ? gross : `${gross}, net ${minorText(left, currency)}`;
  });
  return sums.length === 0 ? 'nothing charged' : sums.join('; ');
}

function durationsText(average: Figures['averageDurationMs']): string {
  const others = kOutcomes.filter((outcome) => outcome !== 'success' && average[outcome] !== null);
  const parts = others.map((outcome) => `${outcome} ${clockText(average[outcome] ?? 0)}`);
  return ['successful', ...parts].join(', ');
}
