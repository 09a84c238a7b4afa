/** Amounts: cents in, cents out, never a fraction of one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { currencySign, money, typed, untyped } from '../src/ui/format.ts';

test('an amount is shown with its currency', () => {
  assert.equal(money({ amount: 3500, currency: 'usd' }), '$35.00');
  assert.equal(money({ amount: -12500, currency: 'usd' }), '−$125.00');
  assert.equal(money({ amount: 123456789, currency: 'usd' }), '$1,234,567.89');
  assert.equal(money({ amount: 500, currency: 'jpy' }), '¥500');
  assert.equal(currencySign('cad'), 'CA$');
});

test('what is typed becomes cents exactly', () => {
  for (const [text, cents] of [['35', 3500], ['35.5', 3550], ['35.50', 3550], ['$1,200.00', 120000], [' 0.29 ', 29], ['.5', 50], ['-12', -1200], ['0', 0], ['1.10', 110]] as const) {
    assert.equal(untyped(text, 'usd'), cents, text);
  }
  for (const text of ['', '.', '-', 'ten', '1.005', '1,20', '1e3', '35 00.0.0', '12345678901', '$']) assert.equal(untyped(text, 'usd'), null, text);
  assert.equal(untyped('500', 'jpy'), 500);
  assert.equal(untyped('5.5', 'jpy'), null);
});

test('every amount survives being shown in a field', () => {
  for (const amount of [0, 1, 9, 10, 99, 100, 101, 4004, 99999999, -5]) assert.equal(untyped(typed({ amount, currency: 'usd' }), 'usd'), amount);
  assert.equal(typed({ amount: 5, currency: 'usd' }), '0.05');
});
