/** One form being filled in: the answers on the page, what of them is safe on the server, and what is wrong. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, asProblem, BACKGROUND, call, type Problem } from '../http.ts';
import { keep, recall } from '../keep.ts';
import type { Answers, Field, FillingForm, Value } from '../types.ts';
import { look, missingIn, type Facts, type Part, type Sight } from './engine.ts';
import { localFault, missingFault } from './faults.ts';
import { Saver, type Pending, type SaveState } from './saver.ts';

export interface Wrongs { field: Field; text: string }

export interface Filling {
  data: FillingForm;
  answers: Answers;
  sight: Sight;
  skipped: string[];
  save: SaveState;
  closed: Problem | null;
  set: (section: string, field: Field, value: Value | null) => void;
  leave: () => void;
  skip: (section: string, skipped: boolean) => void;
  at: (section: string) => void;
  /** Sends the prefilled answers of a section that the person has now seen and kept. */
  confirm: (part: Part) => void;
  /** What keeps this section from being complete. */
  wrongs: (part: Part) => Wrongs[];
  /** What to show at this field now; missing answers only when `asked`. */
  fault: (part: Part, field: Field, asked: boolean) => string | null;
  settle: () => Promise<boolean>;
}

/** The person's own calendar day, "2026-11-24". */
export function today(): string {
  const now = new Date();
  return [now.getFullYear(), String(now.getMonth() + 1).padStart(2, '0'), String(now.getDate()).padStart(2, '0')].join('-');
}

export async function fetchForm(intake_id: string, form_id: string, background = false): Promise<FillingForm> {
  const open: unknown = await call(api.GET('/portal/intakes/{intake_id}/forms/{form_id}', {
    params: { path: { intake_id, form_id } }, ...(background ? { headers: BACKGROUND } : {}),
  }));
  return open as FillingForm; // the API describes the inside of a form as plain JSON; types.ts says what it is
}

function overlay(data: FillingForm, pending: Pending | null): Answers {
  const answers: Answers = { ...data.answers };
  for (const entry of Object.values(pending ?? {})) Object.assign(answers, entry.answers);
  return answers;
}

function skippedWith(data: FillingForm, pending: Pending | null): string[] {
  const found = new Set(data.skipped);
  for (const [section, entry] of Object.entries(pending ?? {})) {
    if (entry.skipped === true) found.add(section);
    if (entry.skipped === false) found.delete(section);
  }
  return [...found];
}

/** `onMerged` is called when answers from another device were added to the page. */
export function useFilling(first: FillingForm, person: string, onMerged: () => void): Filling {
  const { intake_id, form_id } = first;
  const name = `draft:${person}:form:${intake_id}:${form_id}`;
  const rawName = `draft:${person}:raw:${intake_id}:${form_id}`;
  const restored = useMemo(() => recall<Pending>(name), [name]);
  const [answers, setAnswers] = useState<Answers>(() => overlay(first, restored));
  // What cannot be sent as it stands (half a date, letters in a number): kept as typed, never as an answer.
  const [raw, setRaw] = useState<Answers>(() => recall<Answers>(rawName) ?? {});
  const [skipped, setSkipped] = useState<string[]>(() => skippedWith(first, restored));
  const [save, setSave] = useState<SaveState>({ kind: 'idle' });
  const [closed, setClosed] = useState<Problem | null>(null);
  const [refused, setRefused] = useState<Record<string, string>>({});
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const confirmed = useRef(new Set<string>());
  const moves = useRef(0); // of what is on the page, by this person
  const current = useRef({ raw, skipped });
  current.current = { raw, skipped };

  const saver = useMemo(() => new Saver({
    send: (section_id, body, leaving) => call(api.PATCH('/portal/intakes/{intake_id}/forms/{form_id}/sections/{section_id}', {
      params: { path: { intake_id, form_id, section_id } }, body, ...(leaving ? { keepalive: true } : {}),
    })),
    keep: (pending) => keep(name, pending),
    tell: setSave,
    closed: setClosed,
    refused: (faults) => setRefused((now) => ({ ...now, ...faults })),
    problemOf: asProblem,
  }, restored, first.saved_at), [name]);

  useEffect(() => {
    const merge = async () => {
      if (saver.busy()) return;
      const moved = moves.current;
      let fresh: FillingForm;
      try {
        fresh = await fetchForm(intake_id, form_id, true);
      } catch {
        return; // the next save will tell; nothing on the page is lost
      }
      // Changed meanwhile, and perhaps saved already: the answer may be older than that, and the next look tells.
      if (saver.busy() || moved !== moves.current) return;
      const focused = (document.activeElement?.closest('[data-field]') as HTMLElement | null)?.dataset.field;
      let changed = false;
      setAnswers((now) => {
        const next = { ...now };
        for (const field of new Set([...Object.keys(now), ...Object.keys(fresh.answers)])) {
          if (field === focused || Object.hasOwn(current.current.raw, field)) continue;
          const value = fresh.answers[field] ?? null;
          if (JSON.stringify(now[field] ?? null) !== JSON.stringify(value)) {
            next[field] = value;
            changed = true;
          }
        }
        return changed ? next : now;
      });
      if (JSON.stringify([...fresh.skipped].sort()) !== JSON.stringify([...current.current.skipped].sort())) {
        setSkipped(fresh.skipped);
        changed = true;
      }
      if (changed) onMerged();
    };
    const seen = () => {
      if (document.visibilityState === 'hidden') void saver.flush(true);
      else {
        saver.wake();
        void merge();
      }
    };
    const back = () => saver.wake();
    const focus = () => void merge();
    const leaving = (event: BeforeUnloadEvent) => {
      if (saver.busy() && !navigator.onLine) event.preventDefault();
    };
    document.addEventListener('visibilitychange', seen);
    addEventListener('online', back);
    addEventListener('focus', focus);
    addEventListener('beforeunload', leaving);
    return () => {
      document.removeEventListener('visibilitychange', seen);
      removeEventListener('online', back);
      removeEventListener('focus', focus);
      removeEventListener('beforeunload', leaving);
      void saver.flush(true);
      saver.stop();
    };
  }, [saver]);

  const day = today();
  const facts: Facts = { age: first.facts.age, today: day };
  const shown: Answers = { ...answers, ...raw };
  const sight = useMemo(() => look(first.definition, shown, skipped, facts), [first.definition, answers, raw, skipped, day]);

  const setRawOf = (field: string, value: Value | null | undefined) => {
    setRaw((now) => {
      if (value === undefined && !Object.hasOwn(now, field)) return now;
      const { [field]: _gone, ...rest } = now;
      const next = value === undefined ? rest : { ...rest, [field]: value };
      keep(rawName, Object.keys(next).length ? next : null);
      return next;
    });
  };

  const fault = (part: Part, field: Field, asked: boolean): string | null => {
    const value = shown[field.id] ?? null;
    const local = localFault(field, value, day);
    if (local) return asked || touched.has(field.id) ? local : null;
    if (refused[field.id]) return refused[field.id] ?? null;
    return asked && missingIn(part, sight).includes(field) ? missingFault(field) : null;
  };

  return {
    data: first,
    answers: shown,
    sight,
    skipped,
    save,
    closed,
    set(section, field, value) {
      moves.current += 1;
      setRefused((now) => {
        if (!Object.hasOwn(now, field.id)) return now;
        const { [field.id]: _gone, ...rest } = now;
        return rest;
      });
      setTouched((now) => {
        if (!now.has(field.id)) return now;
        const next = new Set(now);
        next.delete(field.id);
        return next;
      });
      if (localFault(field, value, day)) {
        setRawOf(field.id, value);
        return;
      }
      setRawOf(field.id, undefined);
      setAnswers((now) => ({ ...now, [field.id]: value }));
      confirmed.current.add(field.id);
      saver.change(section, field.id, value);
    },
    leave() {
      setTouched(new Set(Object.keys(current.current.raw)));
      void saver.flush();
    },
    skip(section, on) {
      moves.current += 1;
      setSkipped((now) => (on ? [...now.filter((one) => one !== section), section] : now.filter((one) => one !== section)));
      saver.skip(section, on);
    },
    at: (section) => saver.at(section),
    confirm(part) {
      for (const field of part.fields) {
        const value = shown[field.id];
        if (!field.prefill || value === null || value === undefined || confirmed.current.has(field.id)) continue;
        confirmed.current.add(field.id);
        if (!localFault(field, value, day)) saver.change(part.section.id, field.id, value);
      }
    },
    wrongs: (part) => part.fields.flatMap((field) => {
      const text = fault(part, field, true);
      return text ? [{ field, text }] : [];
    }),
    fault,
    settle: () => saver.settle(),
  };
}
