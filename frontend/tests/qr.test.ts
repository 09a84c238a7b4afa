/** QR codes: against another encoder's, and read back the way a telephone does. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { encode, LARGEST, path, times, type Rows } from '../src/account/qr.ts';

const vectors = JSON.parse(readFileSync(new URL('./qr.json', import.meta.url), 'utf8')) as { text: string; version: number; masks: string[] }[];

function digest(rows: Rows): string {
  return createHash('sha256').update(rows.map((row) => row.map(Number).join('')).join('\n')).digest('hex').slice(0, 24);
}

test('every version is what another encoder draws, with one of the eight masks', () => {
  assert.deepEqual(vectors.map((each) => each.version), Array.from({ length: LARGEST }, (_, at) => at + 1));
  for (const { text, version, masks } of vectors) {
    const rows = encode(text);
    assert.equal(rows.length, version * 4 + 17);
    assert.ok(masks.includes(digest(rows)), `version ${version}`);
  }
});

test('the smallest version is taken, and what fits nowhere is refused', () => {
  assert.equal(encode('x'.repeat(14)).length, 21);
  assert.equal(encode('x'.repeat(15)).length, 25);
  assert.equal(encode('é'.repeat(7)).length, 21); // bytes count, not letters
  assert.equal(encode('x'.repeat(666)).length, 97);
  assert.throws(() => encode('x'.repeat(667)), RangeError);
});

test('the field is the one of the standard', () => {
  assert.equal(times(0x80, 2), 0x1d);
  assert.equal(times(3, 7), 9);
  assert.equal(times(0, 200), 0);
});

test('the finders stand in three corners, and the drawing has a quiet zone of four', () => {
  const rows = encode('otpauth://totp/x?secret=ABC');
  const last = rows.length - 1;
  for (const [x, y] of [[0, 0], [last - 6, 0], [0, last - 6]] as const) {
    for (let at = 0; at < 7; at++) assert.ok(rows[y]![x + at] && rows[y + 6]![x + at] && rows[y + at]![x] && rows[y + at]![x + 6]);
    assert.equal(rows[y + 1]![x + 1], false);
    assert.equal(rows[y + 3]![x + 3], true);
  }
  assert.ok(path(rows).startsWith('M4 4h1v1h-1z'));
});
