import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Series } from './series.ts';

const kHeightPx = 220;
const kLines = [
  ['Entered', '--line-strong'],
  ['Successful', '--good'],
  ['Unsuccessful', '--bad'],
] as const;

/** How many payments began in each period, and how they ended. */
export function Plot({ series, label }: { readonly series: Series; readonly label: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = place.current;
    if (!box) return undefined;
    let plot = draw(box, series);
    const again = () => {
      plot.destroy();
      plot = draw(box, series);
    };
    const sizes = new ResizeObserver(([entry]) => {
      if (entry) plot.setSize({ width: Math.max(200, entry.contentRect.width), height: kHeightPx });
    });
    sizes.observe(box);
    // Canvas knows no style sheet: other colours mean another plot.
    const colours = matchMedia('(prefers-color-scheme: dark)');
    colours.addEventListener('change', again);
    const theme = new MutationObserver(again);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => {
      sizes.disconnect();
      theme.disconnect();
      colours.removeEventListener('change', again);
      plot.destroy();
    };
  }, [series]);
  return (
    <figure class="plot">
      <div ref={place} role="img" aria-label={`${label}. ${summaryOf(series)}`} />
    </figure>
  );
}

function summaryOf({ names, entered, successful, unsuccessful }: Series): string {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return `${names.length} periods: ${sum(entered)} entered, ${sum(successful)} successful, ${sum(unsuccessful)} unsuccessful.`;
}

function draw(box: HTMLElement, { names, entered, successful, unsuccessful }: Series): uPlot {
  const [text, grid] = [colourOf(box, '--muted'), colourOf(box, '--line')];
  const axis = {
    stroke: text,
    grid: { stroke: grid, width: 1 },
    ticks: { stroke: grid, width: 1 },
    font: '12px system-ui',
  };
  const nameOf = (at: number) => (Number.isInteger(at) ? (names[at] ?? '') : '');
  return new uPlot(
    {
      width: Math.max(200, box.clientWidth),
      height: kHeightPx,
      scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(4, Math.ceil(max * 1.1))] } },
      cursor: { drag: { x: false, y: false } },
      legend: { show: true, live: true },
      axes: [
        {
          ...axis,
          values: (_, places) => places.map(nameOf),
          space: 64,
          incrs: [1, 2, 3, 4, 6, 12, 24, 48, 96],
        },
        { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] },
      ],
      series: [
        { label: '', value: (_, at) => (at === null ? '' : nameOf(at)) },
        ...kLines.map(([label, colour], at) => ({
          label,
          stroke: colourOf(box, colour),
          width: 2,
          value: (_: unknown, count: number | null) => (count === null ? '' : String(count)),
          points: { show: names.length < 40, size: 5 },
          ...(at === 0 && { dash: [4, 4] }),
        })),
      ],
    },
    [names.map((_, at) => at), [...entered], [...successful], [...unsuccessful]],
    box,
  );
}

/** What a token of the style sheet comes to now. */
function colourOf(box: HTMLElement, token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  box.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
