import type { ComponentChildren } from 'preact';

export interface ScrollBoxProps {
  /** Id of its heading. */
  readonly labelledBy: string;
  readonly isTall?: boolean;
  readonly children: ComponentChildren;
}

/** Something wider than a small screen, which scrolls by itself and is reached by keys. */
export function ScrollBox({ labelledBy, isTall = false, children }: ScrollBoxProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys (WCAG 2.1.1)
    <section class={isTall ? 'scroll tall' : 'scroll'} tabIndex={0} aria-labelledby={labelledBy}>
      {children}
    </section>
  );
}
