/** Autosave: keeps each changed answer safe in this tab at once, and on the server soon after.
 *
 * - One field is one unit: only fields that changed are sent, so two devices never overwrite each other's work.
 * - Nothing that was not confirmed by the server is dropped: it stays in `pending` (and in the tab's storage) through
 *   lost connections, time-outs and reloads, and is sent again with growing pauses.
 * - A value that the server refuses stays on the page and is not sent again until it changes.
 */
import type { Problem } from '../http.ts';
import type { Answers, Value } from '../types.ts';

export interface Patch { answers: Answers; skipped: boolean | null; position: boolean }
export type SaveState =
  | { kind: 'idle' }
  | { kind: 'saving' }
  | { kind: 'saved'; at: string }
  | { kind: 'waiting' }
  | { kind: 'refused' };

interface Waiting { answers: Answers; skipped: boolean | null; position: boolean }
export type Pending = Record<string, Waiting>;

export interface SaverHooks {
  /** Sends one section's changes; throws a `Problem`. `leaving` asks for a request that outlives the page. */
  send: (section: string, patch: Patch, leaving: boolean) => Promise<{ saved_at: string }>;
  /** Keeps what is pending where a reload finds it; null when there is nothing. */
  keep: (pending: Pending | null) => void;
  /** The state to show. */
  tell: (state: SaveState) => void;
  /** The server said that this form can no longer be changed (409) or is not there (404). */
  closed: (problem: Problem) => void;
  /** The server refused these fields (422): field id → sentence. */
  refused: (faults: Record<string, string>) => void;
  problemOf: (cause: unknown) => Problem;
}

const QUIET = 800;
const PAUSES = [1000, 2000, 4000, 8000, 15_000, 30_000];

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export class Saver {
  private readonly hooks: SaverHooks;
  private pending: Pending;
  private stuck: Record<string, Value | null> = {}; // refused values, by field: not sent again unless changed
  private timer: ReturnType<typeof setTimeout> | null = null;
  private running: Promise<void> | null = null;
  private failures = 0;
  private stopped = false;
  private savedAt: string | null;

  constructor(hooks: SaverHooks, restored: Pending | null, savedAt: string | null) {
    this.hooks = hooks;
    this.pending = restored ?? {};
    this.savedAt = savedAt;
    if (this.busy()) this.schedule(0);
    else this.show();
  }

  /** Whether anything waits to reach the server. */
  busy(): boolean {
    return Object.keys(this.pending).length > 0;
  }

  /** The value waiting for this field, if any: what is on the page wins over what the server last said. */
  waiting(section: string, field: string): boolean {
    return Object.hasOwn(this.pending[section]?.answers ?? {}, field);
  }

  change(section: string, field: string, value: Value | null): void {
    const entry = this.entry(section);
    entry.answers[field] = value;
    if (Object.hasOwn(this.stuck, field) && !same(this.stuck[field], value)) delete this.stuck[field];
    this.after(QUIET);
  }

  skip(section: string, skipped: boolean): void {
    this.entry(section).skipped = skipped;
    this.after(0);
  }

  /** Remembers on the server where the person is. */
  at(section: string): void {
    for (const other of Object.values(this.pending)) other.position = false;
    this.entry(section).position = true;
    this.after(QUIET);
  }

  /** Sends what waits now (a field lost focus, the page is left). Resolves when the try is over, whatever came of it. */
  async flush(leaving = false): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    if (this.stopped) return;
    if (leaving) {
      for (const [section, entry] of Object.entries(this.pending)) {
        const patch = this.sendable(entry);
        if (patch) void this.hooks.send(section, patch, true).then(() => this.confirm(section, patch), () => {});
      }
      return;
    }
    this.running ??= this.round().finally(() => (this.running = null));
    await this.running;
  }

  /** Sends until nothing is left that can be sent; false when something could not be. */
  async settle(): Promise<boolean> {
    for (let turn = 0; turn < 3 && this.sendables().length; turn += 1) await this.flush();
    return !this.sendables().length;
  }

  /** The connection is back, or the person is: try now. */
  wake(): void {
    this.failures = 0;
    if (this.sendables().length) void this.flush();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
  }

  private entry(section: string): Waiting {
    return (this.pending[section] ??= { answers: {}, skipped: null, position: false });
  }

  private after(ms: number): void {
    this.hooks.keep(this.pending);
    if (this.failures === 0) this.hooks.tell({ kind: 'saving' });
    if (this.failures === 0 || !this.timer) this.schedule(ms);
  }

  private schedule(ms: number): void {
    if (this.stopped) return;
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), ms);
  }

  private sendable(entry: Waiting): Patch | null {
    const answers: Answers = {};
    for (const [field, value] of Object.entries(entry.answers)) {
      if (!Object.hasOwn(this.stuck, field)) answers[field] = value;
    }
    if (!Object.keys(answers).length && entry.skipped === null && !entry.position) return null;
    return { answers, skipped: entry.skipped, position: entry.position };
  }

  private sendables(): [string, Patch][] {
    return Object.entries(this.pending).flatMap(([section, entry]) => {
      const patch = this.sendable(entry);
      return patch ? [[section, patch] as [string, Patch]] : [];
    });
  }

  private async round(): Promise<void> {
    const work = this.sendables();
    if (!work.length) {
      this.show();
      return;
    }
    if (this.failures === 0) this.hooks.tell({ kind: 'saving' });
    for (const [section, patch] of work) {
      if (this.stopped) return;
      try {
        const { saved_at } = await this.hooks.send(section, patch, false);
        this.savedAt = saved_at;
        this.failures = 0;
        this.confirm(section, patch);
      } catch (cause) {
        if (this.fail(section, patch, this.hooks.problemOf(cause))) break;
      }
    }
    if (this.failures === 0) {
      if (this.sendables().length && !this.stopped) this.schedule(QUIET);
      else this.show();
    }
  }

  /** Forgets what the server now has, unless it changed again meanwhile. */
  private confirm(section: string, patch: Patch): void {
    const entry = this.pending[section];
    if (!entry) return;
    for (const [field, value] of Object.entries(patch.answers)) {
      if (same(entry.answers[field], value)) delete entry.answers[field];
    }
    if (entry.skipped === patch.skipped) entry.skipped = null;
    if (patch.position) entry.position = false;
    if (!Object.keys(entry.answers).length && entry.skipped === null && !entry.position) delete this.pending[section];
    this.hooks.keep(this.busy() ? this.pending : null);
  }

  /** True when the rest of this round is pointless. */
  private fail(section: string, patch: Patch, problem: Problem): boolean {
    if (problem.status === 409 || problem.status === 404) {
      this.stop();
      this.pending = {};
      this.hooks.keep(null);
      this.hooks.closed(problem);
      return true;
    }
    if (problem.status === 401) {
      this.stop(); // signed out: what waits stays kept and is sent after the next sign-in
      return true;
    }
    if (problem.status === 422 || problem.status === 400) {
      const faults: Record<string, string> = {};
      for (const fault of problem.faults) {
        const field = fault.pointer.replace(/^\/answers\//, '').split('/')[0] ?? '';
        if (Object.hasOwn(patch.answers, field)) faults[field] = fault.detail;
      }
      const named = Object.keys(faults).length ? Object.keys(faults) : Object.keys(patch.answers);
      for (const field of named) this.stuck[field] = patch.answers[field] ?? null;
      const entry = this.pending[section];
      if (entry && !named.length) delete this.pending[section];
      this.hooks.refused(faults);
      return false;
    }
    this.failures += 1;
    this.hooks.tell({ kind: 'waiting' });
    const pause = Math.max((problem.retryAfter ?? 0) * 1000, PAUSES[Math.min(this.failures, PAUSES.length) - 1] ?? 1000);
    this.schedule(pause);
    return true;
  }

  private show(): void {
    if (Object.keys(this.stuck).length) this.hooks.tell({ kind: 'refused' });
    else if (this.savedAt) this.hooks.tell({ kind: 'saved', at: this.savedAt });
    else this.hooks.tell({ kind: 'idle' });
  }
}
