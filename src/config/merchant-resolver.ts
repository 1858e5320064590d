import type { PaymentPolicy } from '../dialog/policy.ts';
import { parseMajor } from '../money/money.ts';
import type { GatewaySettings, MerchantSettings } from './config.ts';
import { nearMiss } from './near-miss.ts';
import type { CheckedFile } from './schema.ts';
import type { Path } from './tree.ts';

type Refuse = (path: Path, expects: string, remedy: string) => void;

/** What the resolver of the whole file lends. */
interface Tools {
  payment(path: Path, payment: CheckedFile['payment'], currency: string): PaymentPolicy;
  gateway(path: Path, gateway: CheckedFile['gateway']): GatewaySettings;
  absolute(path: string): string;
  readonly refuse: Refuse;
}

/** Merchants as the program uses them, with the checks that concern several of them. */
export function merchants(file: CheckedFile, tools: Tools): MerchantSettings[] {
  checkNames(file, tools.refuse);
  return file.merchants.map((merchant, index) => {
    const { id, dialled, gateway, currency, locale, audioDir } = merchant;
    const path: Path = ['merchants', index];
    const inCurrency = currency ?? file.currency;
    return {
      id,
      dialled,
      currency: inCurrency,
      locale: locale ?? file.locale,
      audioDir: tools.absolute(audioDir ?? file.audioDir),
      payment: tools.payment([...path, 'payment'], merchant.payment, inCurrency),
      gateway: gateway && tools.gateway([...path, 'gateway'], gateway),
    };
  });
}

/** Names are names of one merchant, as numbers are. */
function checkNames({ merchants, sip }: CheckedFile, refuse: Refuse): void {
  const numbers = new Set<string>();
  for (const [index, { id, dialled }] of merchants.entries()) {
    if (merchants.findIndex((other) => other.id === id) < index)
      refuse(['merchants', index, 'id'], 'a name of its own', 'give each merchant another id');
    for (const [at, number] of dialled.entries()) {
      if (number === 'pay')
        refuse(
          ['merchants', index, 'dialled', at],
          'another number than `pay`, which is everybody’s',
          'remove it',
        );
      if (numbers.has(number))
        refuse(
          ['merchants', index, 'dialled', at],
          'a number of one merchant',
          'remove it here, or at the merchant above',
        );
      numbers.add(number);
    }
  }
  const ids = merchants.map(({ id }) => id);
  for (const [index, trunk] of sip.trunks.entries()) {
    for (const [at, id] of trunk.merchants.entries()) {
      if (ids.includes(id)) continue;
      const near = nearMiss(id, ids);
      const remedy = near ? `did you mean ${near}?` : 'add the merchant there, or correct the name';
      refuse(['sip', 'trunks', index, 'merchants', at], 'the id of a merchant in merchants', remedy);
    }
  }
}

/** An amount of a trunk holds in the currency of each of its payments. */
export function checkTrunkLimits({ sip, currency, merchants }: CheckedFile, refuse: Refuse): void {
  const currencies = new Set([currency, ...merchants.map((merchant) => merchant.currency ?? currency)]);
  for (const [index, { limits }] of sip.trunks.entries()) {
    const { largestAmount } = limits;
    if (largestAmount === null) continue;
    for (const each of currencies) {
      if (parseMajor(largestAmount, each)) continue;
      const expects = `an amount with no more decimals than ${each} has`;
      refuse(['sip', 'trunks', index, 'limits', 'largestAmount'], expects, `write it so that ${each} has it`);
    }
  }
}
