/** What a person is told when the server no longer knows their session. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overHow } from '../src/ended.ts';

const MINUTE = 60_000;

test('only a limit that ran out is named', () => {
  const [idleEnd, absoluteEnd] = [15 * MINUTE, 720 * MINUTE];
  assert.equal(overHow(0, idleEnd, absoluteEnd), 'lost');
  assert.equal(overHow(14 * MINUTE, idleEnd, absoluteEnd), 'lost');
  assert.equal(overHow(15 * MINUTE - 500, idleEnd, absoluteEnd), 'idle'); // the answer is a moment old
  assert.equal(overHow(16 * MINUTE, idleEnd, absoluteEnd), 'idle');
  assert.equal(overHow(720 * MINUTE, 725 * MINUTE, absoluteEnd), 'absolute');
});
