/** What is typed while a save is on its way is not lost with its answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rebased } from '../src/ui/hooks.ts';

const sent = { name: ' Ann ', lines: ['a'] };
const saved = { name: 'Ann', lines: ['a'] };

test('where nothing was typed meanwhile all is as it was saved', () => {
  assert.deepEqual(rebased(sent, sent, saved), saved);
});

test('what was typed meanwhile stays, the other parts are as they were saved', () => {
  const lines = ['a', 'b'];
  assert.deepEqual(rebased({ ...sent, lines }, sent, saved), { name: 'Ann', lines });
});
