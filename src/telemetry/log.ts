import { type DestinationStream, type Logger, pino } from 'pino';
import { maskCardLike } from '../card/card-like.ts';
import type { Log, LogFields } from '../ports/log.ts';
import { plainFields } from './plain-fields.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogOptions {
  readonly level: LogLevel;
  /** Where lines go; standard output if not given. */
  readonly destination?: DestinationStream;
  /** Called for every stretch the last net had to mask: a hole in the nets above it. */
  readonly onScrubbed?: () => void;
}

/**
 * The log of this process: JSON lines with the time as ISO 8601. Whatever reaches it, no line that leaves holds a card number.
 */
export function createLog({ level, destination, onScrubbed }: LogOptions): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (plain: unknown) => plain }, // plainFields has done it
    hooks: { streamWrite: (line: string) => maskCardLike(line, onScrubbed) },
  };
  return new PinoLog(destination ? pino(options, destination) : pino(options));
}

class PinoLog implements Log {
  readonly #pino: Logger;

  constructor(logger: Logger) {
    this.#pino = logger;
  }

  debug(fields: LogFields, message: string): void {
    if (this.#pino.isLevelEnabled('debug')) this.#pino.debug(plainFields(fields), message);
  }

  info(fields: LogFields, message: string): void {
    if (this.#pino.isLevelEnabled('info')) this.#pino.info(plainFields(fields), message);
  }

  warn(fields: LogFields, message: string): void {
    this.#pino.warn(plainFields(fields), message);
  }

  error(fields: LogFields, message: string): void {
    this.#pino.error(plainFields(fields), message);
  }

  child(fields: LogFields): Log {
    return new PinoLog(this.#pino.child(plainFields(fields)));
  }
}
