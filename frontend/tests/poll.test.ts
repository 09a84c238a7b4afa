/** Looking for news costs little: ever rarer while nothing comes, nothing at all while the page is hidden. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { startPolling } from '../src/messages/poll.ts';

const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
const device = new EventTarget();
Object.assign(globalThis, {
  document: page, addEventListener: device.addEventListener.bind(device), removeEventListener: device.removeEventListener.bind(device),
});

/** Lets what was promised happen, and moves the clock. */
async function pass(ms: number): Promise<void> {
  for (let second = 0; second <= ms / 1000; second += 1) {
    if (second > 0) mock.timers.tick(1000);
    for (let turn = 0; turn < 9; turn += 1) await Promise.resolve();
  }
}

function show(state: 'visible' | 'hidden'): void {
  page.visibilityState = state;
  page.dispatchEvent(new Event('visibilitychange'));
}

test('it backs off, pauses, comes back at once, and stops', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let looks = 0;
  let fresh = false;
  const poll = startPolling(async () => { looks += 1; if (looks === 3) throw new Error('no connection'); return fresh; }, { quick: 10_000, slow: 40_000 });
  await pass(10_000);
  assert.equal(looks, 1);
  await pass(14_000);
  assert.equal(looks, 1, 'after nothing new the pause is longer');
  await pass(1_000);
  assert.equal(looks, 2);
  await pass(600_000);
  assert.ok(looks > 12 && looks < 20, `a failure is no end, and the pause does not grow for ever: ${looks}`);

  show('hidden');
  looks = 10;
  await pass(3_600_000);
  assert.equal(looks, 10, 'nothing while nobody can see it');
  show('visible');
  await pass(0);
  assert.equal(looks, 11, 'at once when it is seen again');
  fresh = true;
  await pass(15_000);
  await pass(10_000);
  assert.equal(looks, 13, 'the quick pace goes on while something comes');
  poll.wake();
  assert.equal(looks, 14);
  device.dispatchEvent(new Event('online'));
  await pass(1_000);
  assert.equal(looks, 15, 'asked while looking: once more, not twice at a time');

  poll.stop();
  show('visible');
  device.dispatchEvent(new Event('online'));
  await pass(600_000);
  assert.equal(looks, 15);
  mock.timers.reset();
});
