/** `4:07`, `1:02:09`. */
export function clockText(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** `1 min 42 s`; a dash for nothing. */
export function durationText(durationMs: number | null | undefined): string {
  if (durationMs === null || durationMs === undefined) return '–';
  const seconds = Math.round(durationMs / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Time of day as the reader's clock shows it. */
export function timeOfDay(iso: string): string {
  return new Date(iso).toLocaleTimeString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}

export function dateAndTime(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** An amount of the API, in major units, with its currency; a dash for none. */
export function moneyText(major: string | null | undefined, currency: string): string {
  return major === null || major === undefined ? '–' : `${major} ${currency}`;
}

/** Minor units of a currency the browser knows the decimals of. */
export function minorText(minor: number, currency: string): string {
  const format = new Intl.NumberFormat(undefined, { style: 'currency', currency, currencyDisplay: 'code' });
  const decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(minor / 10 ** decimals);
}

export function countText(count: number): string {
  return count.toLocaleString();
}

const kBrandNames: Readonly<Record<string, string>> = {
  amex: 'American Express',
  diners: 'Diners Club',
  jcb: 'JCB',
  unionpay: 'UnionPay',
  rupay: 'RuPay',
  uatp: 'UATP',
};

export function brandText(brand: string): string {
  return kBrandNames[brand] ?? capitalized(brand);
}

/** Such as `Visa ending 4242`. */
export function cardText(brand: string | null | undefined, last4: string | null | undefined): string | null {
  return brand && last4 ? `${brandText(brand)} ending ${last4}` : null;
}

export function capitalized(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

/** `DECLINED_LEFT` reads `Declined left`. */
export function plain(code: string): string {
  return capitalized(code.toLowerCase().replaceAll('_', ' '));
}

/** How a call is shaped, as people call it. */
export function shapeText(topology: string): string {
  return topology === 'ivr' ? 'IVR' : plain(topology);
}
