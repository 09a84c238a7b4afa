/** A drawn signature always fits the box that the server takes: whole numbers, 1000 by 300. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fit, pathOf } from '../src/forms/strokes.ts';

test('nothing drawn is nothing', () => assert.deepEqual(fit([]), []));

test('any drawing fits, keeps its proportions and stays in whole numbers', () => {
  const wave = Array.from({ length: 5000 }, (_, n) => ({ x: n / 7, y: 90 + 80 * Math.sin(n / 50) }));
  const strokes = fit([wave, [{ x: 10, y: 10 }, { x: 10, y: 10 }]]);
  const points = strokes.flat();
  assert.ok(points.length <= 2100);
  assert.ok(points.every(([x, y]) => Number.isInteger(x) && Number.isInteger(y) && x! >= 0 && x! <= 1000 && y! >= 0 && y! <= 300));
  const width = Math.max(...points.map(([x]) => x!)) - Math.min(...points.map(([x]) => x!));
  const height = Math.max(...points.map(([, y]) => y!)) - Math.min(...points.map(([, y]) => y!));
  assert.ok(Math.abs(width / height - 714 / 160) < 0.1);
});

test('a single dot is kept as one point, in the middle', () => {
  assert.deepEqual(fit([[{ x: 5, y: 5 }]]), [[[498, 148]]]);
});

test('a path is drawn from numbers only', () => {
  assert.equal(pathOf([[[1, 2], [3, 4]], [[5, 6]]]), 'M1 2L3 4M5 6h1');
});
