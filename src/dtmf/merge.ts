import { digitMemory } from '../ports/digit-memory.ts';
import type { Carrier, Key, KeyReport } from '../ports/media.ts';

/** One key press of the caller, whatever carried it. */
export interface KeyPress {
  /** Whoever is done with a press sets it to 0: what is left of a card's presses lies on the heap in their order. */
  key: Key;
  /** When the key went down by the first report of it, on the clock of the reports. */
  readonly onsetMs: number;
}

// How far a report may trail (or lead) an earlier carrier's report of the same press.
// Events are cut from the audio and follow it by 20 to 100 ms, now and then they overtake it; INFO crosses the signalling path.
// Two presses of one key are at least 160 ms apart (100 ms on, 60 ms off): the event's window stays below that.
const kLagMs = {
  event: { behindTone: { min: -120, max: 150 } },
  info: { behindAudio: { min: -150, max: 800 } },
} as const;
// Tone and event that name two keys this close are one press misheard: two fingers are not so quick, and the report of a neighbouring
// press does not lead or trail so far. INFO comes too late to tell.
const kMisheardMs = { min: 0, max: 50 };

const kCarriers: readonly Carrier[] = ['tone', 'event', 'info'];
const kCarrierCount = 3;
const kToneIndex = 0;
const kEventIndex = 1;
const kSlots = 16; // presses remembered: more than anyone can press in kMemoryMs
const kMemoryMs = 2000;
const kFree = 0xff;

/**
 * Makes one key press of the reports of up to three carriers. A press is given out with its first report; what other carriers say
 * about it later is absorbed, at most once per carrier. Of a tone and an event that contradict each other the first is believed.
 * Remembers recent keys in a buffer of its own until {@link KeyMerge.wipe}.
 */
export class KeyMerge {
  readonly #keys = digitMemory(kSlots).fill(kFree);
  /** Onset per slot and carrier; NaN where the carrier has not reported. */
  readonly #onsets = new Float64Array(kSlots * kCarrierCount).fill(Number.NaN);
  /** 1 where a tone or an event has named another key. */
  readonly #contradicted = new Uint8Array(kSlots);
  /** Slots in use, oldest press first. */
  readonly #order: number[] = [];

  /** @returns the press if this is the first report of it, undefined if it belongs to one already given out. */
  report(report: KeyReport): KeyPress | undefined {
    this.#forgetBefore(report.onsetMs - kMemoryMs);
    if (this.#absorb(report) || this.#contradicts(report)) return undefined;
    this.#remember(report);
    return { key: report.key, onsetMs: report.onsetMs };
  }

  wipe(): void {
    this.#keys.fill(kFree);
    this.#onsets.fill(Number.NaN);
    this.#contradicted.fill(0);
    this.#order.length = 0;
  }

  /**
   * The oldest fitting press takes the report. If every fitting press has one of this carrier already, a report that can move to
   * another press makes room: carriers may be reordered, and one may lead for one press and trail for the next.
   */
  #absorb(report: KeyReport): boolean {
    const carrier = kCarriers.indexOf(report.carrier);
    const fitting = this.#order.filter((slot) => this.#fits(slot, report.key, carrier, report.onsetMs));
    for (const slot of fitting) {
      if (this.#has(slot, carrier)) continue;
      this.#onsets[at(slot, carrier)] = report.onsetMs;
      return true;
    }
    return fitting.some((slot) => this.#displace(slot, report.key, carrier, report.onsetMs));
  }

  #displace(slot: number, key: Key, carrier: number, onsetMs: number): boolean {
    const movedMs = this.#onset(slot, carrier);
    const other = this.#order.find(
      (each) => each !== slot && !this.#has(each, carrier) && this.#fits(each, key, carrier, movedMs),
    );
    if (other === undefined) return false;
    this.#onsets[at(other, carrier)] = movedMs;
    this.#onsets[at(slot, carrier)] = onsetMs;
    return true;
  }

  /** Another key for a press of the other media carrier, which keeps its place for this one's own report of that press. */
  #contradicts({ carrier, key, onsetMs }: KeyReport): boolean {
    const own = kCarriers.indexOf(carrier);
    const other = carrier === 'tone' ? kEventIndex : kToneIndex;
    const slot = this.#order.find((each) => {
      const lagMs = (onsetMs - this.#onset(each, other)) * (carrier === 'event' ? 1 : -1);
      const isNear = lagMs >= kMisheardMs.min && lagMs <= kMisheardMs.max;
      return isNear && this.#keys[each] !== key && !this.#has(each, own) && !this.#contradicted[each];
    });
    if (slot === undefined || carrier === 'info') return false;
    this.#contradicted[slot] = 1;
    return true;
  }

  /** Same key, and close enough to every other carrier's report of that press. A press of this carrier alone fits nothing. */
  #fits(slot: number, key: Key, carrier: number, onsetMs: number): boolean {
    if (this.#keys[slot] !== key) return false;
    let others = 0;
    for (let each = 0; each < kCarrierCount; each++) {
      if (each === carrier || !this.#has(slot, each)) continue;
      if (!isOnePress(carrier, onsetMs, each, this.#onset(slot, each))) return false;
      others++;
    }
    return others > 0;
  }

  #has(slot: number, carrier: number): boolean {
    return !Number.isNaN(this.#onset(slot, carrier));
  }

  #onset(slot: number, carrier: number): number {
    return this.#onsets[at(slot, carrier)] ?? Number.NaN;
  }

  #remember(report: KeyReport): void {
    if (this.#order.length === kSlots) this.#forget(this.#order[0] ?? 0);
    const slot = this.#keys.subarray(0, kSlots).indexOf(kFree);
    this.#keys[slot] = report.key;
    this.#onsets[at(slot, kCarriers.indexOf(report.carrier))] = report.onsetMs;
    this.#order.push(slot);
  }

  #forgetBefore(horizonMs: number): void {
    for (const slot of [...this.#order]) if (this.#newestMs(slot) < horizonMs) this.#forget(slot);
  }

  #newestMs(slot: number): number {
    let newest = Number.NEGATIVE_INFINITY;
    for (let carrier = 0; carrier < kCarrierCount; carrier++) {
      if (this.#has(slot, carrier)) newest = Math.max(newest, this.#onset(slot, carrier));
    }
    return newest;
  }

  #forget(slot: number): void {
    this.#keys[slot] = kFree;
    this.#onsets.fill(Number.NaN, at(slot, 0), at(slot, kCarrierCount));
    this.#contradicted[slot] = 0;
    this.#order.splice(this.#order.indexOf(slot), 1);
  }
}

function at(slot: number, carrier: number): number {
  return slot * kCarrierCount + carrier;
}

/** Do reports of two carriers at these times tell of one press? */
function isOnePress(carrierA: number, onsetA: number, carrierB: number, onsetB: number): boolean {
  // kCarriers is ordered by how directly a carrier follows the finger: the later one lags behind the earlier one.
  const [later, lagMs] = carrierA > carrierB ? [carrierA, onsetA - onsetB] : [carrierB, onsetB - onsetA];
  const window = kCarriers[later] === 'info' ? kLagMs.info.behindAudio : kLagMs.event.behindTone;
  return lagMs >= window.min && lagMs <= window.max;
}
