/** Autosave loses nothing: not offline, not on reload, not when an answer changes while it is being sent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Problem } from '../src/http.ts';
import { Saver, type Patch, type Pending, type SaveState } from '../src/forms/saver.ts';

function problem(status: number, faults: { pointer: string; code: string; detail: string }[] = []): Problem {
  return { status, code: 'x', title: 'x', faults, retryAfter: null } as unknown as Problem;
}

interface Stage {
  saver: Saver;
  sent: [string, Patch][];
  states: SaveState['kind'][];
  kept: () => Pending | null;
  closed: Problem[];
  refused: Record<string, string>[];
}

function stage(answer: (section: string, patch: Patch) => Promise<{ saved_at: string }>, restored: Pending | null = null): Stage {
  const sent: [string, Patch][] = [];
  const states: SaveState['kind'][] = [];
  const closed: Problem[] = [];
  const refused: Record<string, string>[] = [];
  let kept: Pending | null = restored;
  const saver = new Saver({
    send: (section, patch) => {
      sent.push([section, structuredClone(patch)]);
      return answer(section, patch);
    },
    keep: (pending) => (kept = pending && structuredClone(pending)),
    tell: (state) => states.push(state.kind),
    closed: (found) => closed.push(found),
    refused: (found) => refused.push(found),
    problemOf: (cause) => cause as Problem,
  }, restored, null);
  return { saver, sent, states, kept: () => kept, closed, refused };
}

const fine = () => Promise.resolve({ saved_at: '2026-11-24T07:00:00Z' });

test('only changed fields are sent, and nothing stays waiting', async () => {
  const { saver, sent, states, kept } = stage(fine);
  saver.change('about', 'name', 'A');
  saver.change('about', 'name', 'AB');
  saver.change('health', 'sleep', 7);
  await saver.flush();
  assert.deepEqual(sent, [
    ['about', { answers: { name: 'AB' }, skipped: null, position: false }],
    ['health', { answers: { sleep: 7 }, skipped: null, position: false }],
  ]);
  assert.equal(kept(), null);
  assert.equal(states.at(-1), 'saved');
  saver.stop();
});

test('without a connection everything stays kept and is sent when it is back', async () => {
  let down = true;
  const { saver, sent, states, kept } = stage(() => (down ? Promise.reject(problem(0)) : fine()));
  saver.change('about', 'name', 'A');
  await saver.flush();
  assert.equal(states.at(-1), 'waiting');
  assert.deepEqual(kept()?.about?.answers, { name: 'A' });
  saver.change('about', 'phone', '1');
  assert.deepEqual(kept()?.about?.answers, { name: 'A', phone: '1' });
  down = false;
  saver.wake();
  await wait(20);
  assert.deepEqual(sent.at(-1), ['about', { answers: { name: 'A', phone: '1' }, skipped: null, position: false }]);
  assert.equal(kept(), null);
  saver.stop();
});

test('it tries again by itself, with growing pauses', async () => {
  let failures = 0;
  const { saver, sent, kept } = stage(() => (failures++ < 1 ? Promise.reject(problem(503)) : fine()));
  saver.change('about', 'name', 'A');
  await saver.flush();
  await wait(1150);
  assert.equal(sent.length, 2);
  assert.equal(kept(), null);
  saver.stop();
});

test('an answer that changes while it is being sent is sent again', async () => {
  let release: (() => void) | null = null;
  const { saver, sent, kept } = stage(() => new Promise((resolve) => (release = () => resolve({ saved_at: 'now' }))));
  saver.change('about', 'name', 'A');
  const first = saver.flush();
  saver.change('about', 'name', 'B');
  release!();
  await first;
  assert.deepEqual(kept()?.about?.answers, { name: 'B' });
  const second = saver.flush();
  release!();
  await second;
  assert.deepEqual(sent.at(-1)?.[1].answers, { name: 'B' });
  assert.equal(kept(), null);
  saver.stop();
});

test('what a reload finds is sent', async () => {
  const { saver, sent, kept } = stage(fine, { about: { answers: { name: 'A' }, skipped: true, position: false } });
  await wait(20);
  assert.deepEqual(sent, [['about', { answers: { name: 'A' }, skipped: true, position: false }]]);
  assert.equal(kept(), null);
  saver.stop();
});

test('a refused answer stays, is not sent again, and does not hold up the others', async () => {
  const refuse = [{ pointer: '/answers/age', code: 'out_of_range', detail: 'Enter a number from 0 to 24' }];
  const { saver, sent, states, refused, kept } = stage((_, patch) => ('age' in patch.answers ? Promise.reject(problem(422, refuse)) : fine()));
  saver.change('about', 'age', 99);
  saver.change('about', 'name', 'A');
  await saver.flush();
  assert.deepEqual(refused, [{ age: 'Enter a number from 0 to 24' }]);
  assert.ok(await saver.settle());
  assert.deepEqual(sent.at(-1)?.[1].answers, { name: 'A' });
  assert.deepEqual(kept()?.about?.answers, { age: 99 });
  assert.equal(states.at(-1), 'refused');
  saver.change('about', 'age', 9);
  await saver.flush();
  assert.deepEqual(sent.at(-1)?.[1].answers, { age: 9 });
  saver.stop();
});

test('a form that was signed meanwhile is closed, and nothing more is sent', async () => {
  const { saver, sent, closed, kept } = stage(() => Promise.reject(problem(409)));
  saver.change('about', 'name', 'A');
  await saver.flush();
  saver.change('about', 'name', 'B');
  await saver.flush();
  assert.equal(closed.length, 1);
  assert.equal(sent.length, 1);
  assert.equal(kept()?.about?.answers.name, 'B');
  saver.stop();
});

test('signed out: it stops and keeps', async () => {
  const { saver, sent, kept } = stage(() => Promise.reject(problem(401)));
  saver.change('about', 'name', 'A');
  await saver.flush();
  await saver.flush();
  assert.equal(sent.length, 1);
  assert.deepEqual(kept()?.about?.answers, { name: 'A' });
});
