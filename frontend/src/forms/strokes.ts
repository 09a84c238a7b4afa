/** A drawn signature as numbers: whatever the size of the pad, the drawing is fitted into 1000 × 300. */
import type { Strokes } from '../types.ts';

const WIDTH = 1000;
const HEIGHT = 300;
const MARGIN = 10;
const MOST_POINTS = 2000;
const MOST_STROKES = 200;

interface Point { x: number; y: number }

/** Keeps the proportions, centres the drawing, never enlarges it more than four times, drops repeated points. */
export function fit(groups: readonly (readonly Point[])[]): Strokes {
  const points = groups.flat();
  if (!points.length) return [];
  const left = Math.min(...points.map((point) => point.x));
  const right = Math.max(...points.map((point) => point.x));
  const top = Math.min(...points.map((point) => point.y));
  const bottom = Math.max(...points.map((point) => point.y));
  const width = Math.max(1, right - left);
  const height = Math.max(1, bottom - top);
  const scale = Math.min((WIDTH - 2 * MARGIN) / width, (HEIGHT - 2 * MARGIN) / height, 4);
  const dx = (WIDTH - width * scale) / 2;
  const dy = (HEIGHT - height * scale) / 2;
  const every = Math.max(1, Math.ceil(points.length / MOST_POINTS));
  return groups.slice(0, MOST_STROKES).flatMap((group) => {
    const stroke: [number, number][] = [];
    group.forEach((point, index) => {
      if (index % every && index !== group.length - 1) return;
      const x = Math.min(WIDTH, Math.max(0, Math.round((point.x - left) * scale + dx)));
      const y = Math.min(HEIGHT, Math.max(0, Math.round((point.y - top) * scale + dy)));
      const before = stroke[stroke.length - 1];
      if (!before || before[0] !== x || before[1] !== y) stroke.push([x, y]);
    });
    return stroke.length ? [stroke] : [];
  });
}

/** The `d` of an SVG path for these strokes; a single point becomes a dot. */
export function pathOf(strokes: Strokes): string {
  return strokes.map((stroke) => {
    const [first, ...rest] = stroke;
    if (!first) return '';
    if (!rest.length) return `M${first[0]} ${first[1]}h1`;
    return `M${first[0]} ${first[1]}${rest.map((point) => `L${point[0]} ${point[1]}`).join('')}`;
  }).join('');
}
