import type { ComponentChildren } from 'preact';

export interface ScrollBoxProps {
  /** What is in it; another name than that of the panel around it. */
  readonly label: string;
  readonly isTall?: boolean;
  readonly children: ComponentChildren;
}

/** Something wider than a small screen, which scrolls by itself and is reached by keys. */
export function ScrollBox({ label, isTall = false, children }: ScrollBoxProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys (WCAG 2.1.1)
    <section class={isTall ? 'scroll tall' : 'scroll'} tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
