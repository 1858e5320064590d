import { Counter, type Registry } from 'prom-client';

type Labels = Readonly<Record<string, string>>;

/** Counters kept by another process: it reports how they stand, we pass that on. A restart there is a reset here. */
export class RunningTotals {
  readonly #registry: Registry;
  readonly #counters = new Map<
    string,
    { counter: Counter; values: Map<string, { labels: Labels; value: number }> }
  >();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  set(name: string, help: string, labels: Labels, value: number): void {
    this.#family(name, help, Object.keys(labels)).values.set(JSON.stringify(labels), { labels, value });
  }

  #family(name: string, help: string, labelNames: string[]) {
    const known = this.#counters.get(name);
    if (known) return known;
    const values = new Map<string, { labels: Labels; value: number }>();
    const counter = new Counter({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { labels, value: total } of values.values()) this.inc(labels, total);
      },
    });
    const family = { counter, values };
    this.#counters.set(name, family);
    return family;
  }
}
