/** An SRV record (RFC 2782). */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** The order of RFC 2782: by priority; among equals drawn by weight. @param random - in [0, 1). */
export function weightedOrder(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((priority) =>
    drawn(
      records.filter((record) => record.priority === priority),
      random,
    ),
  );
}

/** Records of weight 0 stand first, so that they have a small chance. */
function drawn(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const left = [...records].sort((a, b) => a.weight - b.weight);
  const order: SrvRecord[] = [];
  while (left.length > 0) {
    const sum = left.reduce((total, { weight }) => total + weight, 0);
    const mark = random() * (sum + 1);
    let running = 0;
    const at = left.findIndex(({ weight }) => {
      running += weight;
      return running >= Math.floor(mark);
    });
    order.push(...left.splice(Math.max(at, 0), 1));
  }
  return order;
}
