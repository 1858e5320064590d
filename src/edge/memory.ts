import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';

/** What the process occupies; a leak shows in what a full garbage collection leaves. */
export interface EdgeMemory {
  readonly rssBytes: number;
  /** In use, garbage included. */
  readonly heapBytes: number;
  /** In use just after the last full collection; null before the first. */
  readonly heapLeftBytes: number | null;
  /** Full collections so far. */
  readonly collections: number;
}

/** Watches the garbage collector from its making to close(). */
export class MemoryWatch {
  readonly #observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (isFullCollection(entry)) this.#collected();
  });
  #heapLeftBytes: number | null = null;
  #collections = 0;

  constructor() {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  read(): EdgeMemory {
    const { rss, heapUsed } = process.memoryUsage();
    return {
      rssBytes: rss,
      heapBytes: heapUsed,
      heapLeftBytes: this.#heapLeftBytes,
      collections: this.#collections,
    };
  }

  close(): void {
    this.#observer.disconnect();
  }

  #collected(): void {
    this.#heapLeftBytes = process.memoryUsage().heapUsed;
    this.#collections++;
  }
}

/** Node adds `detail` to entries of the collector; its types do not know. */
function isFullCollection(entry: PerformanceEntry & { readonly detail?: unknown }): boolean {
  const { detail } = entry;
  return (
    typeof detail === 'object' &&
    detail !== null &&
    'kind' in detail &&
    detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR
  );
}
