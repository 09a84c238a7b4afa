/** Therapists in the week of everyone: letters that tell them apart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lettersOf } from '../src/staff/calendar/letters.ts';

const letters = (...names: string[]) => [...lettersOf(names).values()];

test('first and last initial, whatever stands between them and after', () => {
  assert.deepEqual(letters('Priya Halvorsen, LCSW', 'tobias van der Berg, LMFT, PhD', 'Østen Ås', '李 小龍'), ['PH', 'TB', 'ØÅ', '李小']);
});

test('who has the same initials is told apart by more of the first name', () => {
  assert.deepEqual(letters('Priya Halvorsen, LCSW', 'Pedro Hale', 'Peter Holm', 'Jonah Winter'), ['PrH', 'PedH', 'PetH', 'JW']);
});

test('one word, no word, and two of the very same name have letters too, or none', () => {
  assert.deepEqual(letters('Cher', '', 'Ann Lee', 'Ann Lee, LPC'), ['C', '', 'AnnL', 'AnnL']);
});
