/** How much of the most something is; the number itself stands beside it. */
export function ShareBar({ value, most }: { readonly value: number; readonly most: number }) {
  return (
    <svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="whole" width={100} height={8} rx={1} />
      <rect class="part" width={most === 0 ? 0 : (100 * value) / most} height={8} rx={1} />
    </svg>
  );
}
