/** What a page remembers of one person's choices is not there for the next one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forgetAll, forgetOthers, memory } from '../src/keep.ts';

test('a choice is there for the way back, and for the same person who signs in again', () => {
  forgetOthers('a');
  const term = memory('');
  term.current = 'Thistle';
  forgetOthers('a');
  assert.equal(term.current, 'Thistle');
});

test('it is not there for somebody else, nor after signing out', () => {
  forgetOthers('a');
  const picked = memory<string[]>([]);
  picked.current = ['one'];
  forgetOthers('b');
  assert.deepEqual(picked.current, []);
  picked.current = ['two'];
  forgetAll();
  assert.deepEqual(picked.current, []);
});
