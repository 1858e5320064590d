/** A program that has connected to the edge and proved the secret, as the core sees it. */
export interface Application {
  readonly connected: boolean;
  /** Writes one frame. @param line - from lines.ts. @param message - SIP message to go with it, as a byte string. */
  push(line: string, message?: string): void;
}

/** Which application gets requests that belong to no dialog. */
export interface ApplicationChoice {
  /** The next application in turn that asked for the method, in lower case. */
  choose(verb: string): Application | undefined;
  /** Methods routed by anyone, in lower case. */
  readonly verbs: readonly string[];
}
