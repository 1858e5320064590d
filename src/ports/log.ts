/** Values a log line may carry. Never a key, never a card number: not even at debug. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What the core writes its story to. The first argument are fields, the second is the sentence. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger whose every line carries these fields too. */
  child(fields: LogFields): Log;
}
