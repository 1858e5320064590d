import type { SipDialog } from './dialog.ts';

/** Every live dialog, by its tags and by the name the application knows it by. */
export class DialogTable {
  readonly #byKey = new Map<string, SipDialog>();
  readonly #byId = new Map<string, SipDialog>();
  readonly #removed: (dialog: SipDialog) => void;
  readonly #added: (dialog: SipDialog) => void;

  /** @param removed - told of each dialog that is over. @param added - of each that begins. */
  constructor(
    removed: (dialog: SipDialog) => void = () => {},
    added: (dialog: SipDialog) => void = () => {},
  ) {
    this.#removed = removed;
    this.#added = added;
  }

  get size(): number {
    return this.#byKey.size;
  }

  add(dialog: SipDialog): void {
    this.#byKey.set(dialog.key, dialog);
    this.#byId.set(dialog.id, dialog);
    this.#added(dialog);
  }

  has(dialog: SipDialog): boolean {
    return this.#byKey.get(dialog.key) === dialog;
  }

  byKey(key: string): SipDialog | undefined {
    return this.#byKey.get(key);
  }

  byId(id: string): SipDialog | undefined {
    return this.#byId.get(id);
  }

  remove(dialog: SipDialog): void {
    if (this.#byKey.get(dialog.key) === dialog) this.#byKey.delete(dialog.key);
    if (this.#byId.get(dialog.id) === dialog) this.#byId.delete(dialog.id);
    this.#removed(dialog);
  }

  all(): SipDialog[] {
    return [...this.#byKey.values()];
  }
}
