import type { BankVerdict, SimulatorBank } from '../simulator-bank.ts';
import { textIn } from './json-body.ts';
import {
  Books,
  CardReader,
  json,
  major,
  refOf,
  type SimulatedAnswer,
  type SimulatedDialect,
  type SimulatedReply,
} from './simulated.ts';

/** A merchant's endpoint behind the pay-connector contract: takes either spelling of the amount and of the year. */
export function simulatedPayConnector(bank: SimulatorBank): SimulatedDialect {
  const books = new Books(bank);
  return {
    paths: /^\/pay-connector$/,
    answer(request): SimulatedAnswer {
      if (request.method === 'GET') return json(200, {});
      const isLongYear = /"expiry_year":"\d{4}"/.test(
        request.body.toString('latin1', request.body.indexOf('"expiry_year"')),
      );
      const { card } = new CardReader(request.body)
        .take('pan', '"cardnumber":"')
        .take('expiry', '"expiry_month":"', { most: 2 })
        .take('expiry', '"expiry_year":"', { from: isLongYear ? 2 : 0, most: 2 })
        .take('cvv', '"cvv":"');
      const text = textIn(request);
      const amount = major(
        text('/chargeAmount') ?? text('/charge_amount'),
        (text('/currency_code') ?? '').toUpperCase(),
      );
      const isToken = text('/token_type') === 'reusable';
      const ref = amount && refOf(text('/transaction_id') ?? '', amount, isToken ? 'tokenize' : 'sale');
      if (!ref) return json(422, { charge_id: null, error_code: 'invalid', error_message: 'amount' });
      return { receipt: books.charge(ref, card), reply: verdictOf };
    },
  };
}

function verdictOf(verdict: BankVerdict): SimulatedReply {
  switch (verdict.outcome) {
    case 'approved': {
      const parameters = { auth_code: verdict.authCode, reference: verdict.spokenReference };
      return json(200, {
        charge_id: verdict.token === null ? verdict.transactionId : null,
        ...(verdict.token === null ? {} : { token_id: verdict.token }),
        parameters,
        error_code: null,
        error_message: null,
      });
    }
    case 'declined':
      return json(200, {
        charge_id: null,
        parameters: {},
        error_code: verdict.code,
        error_message: 'declined',
      });
    case 'transient':
      return json(429, { error_code: '96' });
    case 'pending':
    case 'conflict':
      return json(500, {});
  }
}
