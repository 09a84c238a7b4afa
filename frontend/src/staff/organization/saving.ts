/** Settings that are saved one by one, in order, each against the version that was last seen. */
import { useCallback, useRef, useState } from 'preact/hooks';
import { api, asProblem, call, type Problem } from '../../http.ts';
import { staff } from '../../strings/staff.ts';
import type { FeatureName, Settings, SettingsPatch } from '../../types.ts';

const words = staff.settings;

/** What happened to the change made last; `id` names its control. */
export interface Mark { id: string; state: 'saving' | 'saved' | 'failed'; problem: Problem | null }

export interface Saving {
  /** As the server last said, with what is being saved laid over it. */
  settings: Settings;
  /** As the server last said, and nothing else: what a text field compares itself with. */
  server: Settings;
  mark: Mark | null;
  /** What somebody else changed meanwhile, one sentence each; null when nothing. */
  stale: string[] | null;
  seen: () => void;
  /** Saves; true when it went through. Never throws: the failure is in `mark` or `stale`. */
  save: (id: string, patch: SettingsPatch) => Promise<boolean>;
}

type Said<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** What a patch says; null says nothing. */
function said<T extends object>(patch: T): Said<T> {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== null && value !== undefined)) as Said<T>;
}

function laidOver(settings: Settings, patch: SettingsPatch): Settings {
  const { features, scheduling, reminders, billing, messaging, ...plain } = patch;
  const { desks, ...switches } = messaging ?? {};
  return {
    ...settings, ...said(plain),
    features: settings.features.map((one) => ({ ...one, on: features?.[one.feature as FeatureName] ?? one.on })),
    scheduling: { ...settings.scheduling, ...said(scheduling ?? {}) },
    reminders: { ...settings.reminders, ...said(reminders ?? {}) },
    billing: { ...settings.billing, ...said(billing ?? {}) },
    messaging: { ...settings.messaging, ...said(switches), desks: { ...settings.messaging.desks, ...said(desks ?? {}) } },
  };
}

/** Two patches as one, the later one winning. */
function joined(first: SettingsPatch, then: SettingsPatch): SettingsPatch {
  return {
    ...first, ...then,
    ...(first.features || then.features ? { features: { ...first.features, ...then.features } } : {}),
    ...(first.scheduling || then.scheduling ? { scheduling: { ...first.scheduling, ...then.scheduling } } : {}),
    ...(first.reminders || then.reminders ? { reminders: { ...first.reminders, ...then.reminders } } : {}),
    ...(first.messaging || then.messaging ? { messaging: { ...first.messaging, ...then.messaging, desks: { ...first.messaging?.desks, ...then.messaging?.desks } } } : {}),
  };
}

export function useSaving(first: Settings): Saving {
  const [server, setServer] = useState(first);
  const [waiting, setWaiting] = useState<SettingsPatch[]>([]);
  const [mark, setMark] = useState<Mark | null>(null);
  const [stale, setStale] = useState<string[] | null>(null);
  const known = useRef(first);
  const queue = useRef<Promise<unknown>>(Promise.resolve());

  const take = (settings: Settings) => {
    known.current = settings;
    setServer(settings);
  };

  const send = async (id: string, patch: SettingsPatch): Promise<boolean> => {
    try {
      take(await call(api.PATCH('/practice/settings', { params: { header: { 'If-Match': known.current.etag } }, body: patch })));
      setMark({ id, state: 'saved', problem: null });
      return true;
    } catch (cause) {
      const problem = asProblem(cause);
      setMark({ id, state: 'failed', problem });
      if (problem.status === 412) await refresh();
      return false;
    } finally {
      setWaiting((now) => now.filter((one) => one !== patch));
    }
  };

  const refresh = async () => {
    try {
      const fresh = await call(api.GET('/practice/settings'));
      setStale(differences(known.current, fresh));
      take(fresh);
    } catch {
      setStale([]); // what is there now is not known: the note alone is still true
    }
  };

  const save = useCallback((id: string, patch: SettingsPatch) => {
    setStale(null);
    setMark({ id, state: 'saving', problem: null });
    setWaiting((now) => [...now, patch]);
    const result = queue.current.then(() => send(id, patch));
    queue.current = result;
    return result;
  }, []);

  return { settings: laidOver(server, waiting.reduce(joined, {})), server, mark, stale, seen: () => setStale(null), save };
}

const { scheduling } = words;
const asHours = (value: unknown) => scheduling.hours(Number(value));
const asMinutes = (value: unknown) => words.minutes(Number(value));
const SHOWN: Record<string, (value: unknown) => string> = {
  minimum_notice_hours: asHours, cancel_notice_hours: asHours, horizon_days: (value) => scheduling.days(Number(value)),
  grid_minutes: asMinutes, buffer_before_minutes: asMinutes, buffer_after_minutes: asMinutes, hold_hours: asHours,
  max_open_requests: String, max_upcoming: String, max_per_day: String,
  instant_confirmation: (value) => (value ? scheduling.instant : scheduling.request),
  idle_minutes_staff: asMinutes, idle_minutes_clients: asMinutes, plan: (value) => staff.plans[String(value)] ?? String(value),
};

function shown(key: string, value: unknown): string {
  if (SHOWN[key]) return SHOWN[key](value);
  if (typeof value === 'boolean') return value ? words.on : words.off;
  return value === '' || value === null ? words.empty : `“${String(value)}”`;
}

/** What is different now, in the words of the page: "Neutral e-mails: off → on". */
export function differences(before: Settings, now: Settings): string[] {
  const flat = (settings: Settings): Record<string, unknown> => ({ ...settings, ...settings.scheduling });
  const [was, is] = [flat(before), flat(now)];
  const plain = Object.entries(words.fields)
    .filter(([key]) => was[key] !== is[key])
    .map(([key, label]) => words.changed(label, shown(key, was[key]), shown(key, is[key])));
  const features = now.features.flatMap((one) => {
    const old = before.features.find((other) => other.feature === one.feature);
    return old && old.on !== one.on ? [words.changed(words.feature[one.feature]?.name ?? one.feature, shown('', old.on), shown('', one.on))] : [];
  });
  return [...features, ...plain];
}
