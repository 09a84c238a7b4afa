/** Repeating an appointment: how often, until when, and every time with what speaks against it before it is booked. */
import { useEffect, useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { recurring } from '../../strings/recurring.ts';
import type { SeriesBody, SeriesCheck, TimeLook } from '../../types.ts';
import { Check, Icon, Note, SelectField, TextField, brief, useSlow, zoneLabel } from '../../ui/index.ts';

const words = recurring.repeat;
const BLOCKED = ['slot_taken', 'client_busy'];

export interface Repeat { every: 0 | 1 | 2; ends: 'after' | 'on'; times: string; last_day: string }
export const ONCE: Repeat = { every: 0, ends: 'after', times: '8', last_day: '' };

/** What is wrong with the end of a series; null: nothing. */
export function endFault(repeat: Repeat, first_day: string): string | null {
  if (!repeat.every) return null;
  if (repeat.ends === 'after') return /^\d{1,2}$/.test(repeat.times.trim()) && Number(repeat.times) >= 2 && Number(repeat.times) <= 52 ? null : words.timesShape;
  return repeat.last_day > first_day ? null : words.lastDayShape;
}

/** How it goes on, as the API takes it. */
export function plan(repeat: Repeat): { every_weeks: 1 | 2; count?: number; last_day?: string } {
  const every_weeks = repeat.every === 2 ? 2 : 1;
  return repeat.ends === 'after' ? { every_weeks, count: Number(repeat.times) } : { every_weeks, last_day: repeat.last_day };
}

export function RepeatFields({ value, onChange, fault }: { value: Repeat; onChange: (next: Repeat) => void; fault: string | null }) {
  const set = (next: Partial<Repeat>) => onChange({ ...value, ...next });
  return (
    <>
      <div class="fieldgrid">
        <SelectField id="repeats" label={words.label} value={String(value.every)} options={Object.entries(words.every)} onChange={(every) => set({ every: Number(every) as Repeat['every'] })} />
        {value.every ? <SelectField id="ends" label={words.ends} value={value.ends} options={[['after', words.after], ['on', words.on]]} onChange={(ends) => set({ ends: ends as Repeat['ends'] })} /> : null}
      </div>
      {!value.every ? null : value.ends === 'after'
        ? <TextField id="times" label={words.times} help={words.timesHelp} short inputMode="numeric" value={value.times} error={fault} onInput={(times) => set({ times })} />
        : <TextField id="last-day" label={words.lastDay} help={words.lastDayHelp} type="date" short value={value.last_day} error={fault} onInput={(last_day) => set({ last_day })} />}
    </>
  );
}

/** Every time of a series, as the server sees it; asked again whenever the series changes. */
export function useSeriesCheck(client_id: string, body: SeriesBody | null): SeriesCheck | null {
  const [found, setFound] = useState<SeriesCheck | null>(null);
  const text = JSON.stringify(body);
  useEffect(() => {
    setFound(null);
    if (!body) return;
    let late = false;
    const timer = setTimeout(() => {
      call(api.POST('/practice/clients/{client_id}/series/check', { params: { path: { client_id } }, body }))
        .then((check) => { if (!late) setFound(check); }, () => {}); // booking itself says what is wrong
    }, 300);
    return () => { late = true; clearTimeout(timer); };
  }, [text]);
  return found;
}

/** Whether a time has begun already: those that follow are never moved there. The running minute is not past. */
export const isPast = (starts_at: string) => Date.parse(starts_at) < Math.floor(Date.now() / 60_000) * 60_000;

export const isBlocked = (look: TimeLook) => BLOCKED.includes(look.finding);
const canOverrule = (look: TimeLook) => look.finding !== 'free' && !isBlocked(look);

/** The times that are left out, of those that can be had only nevertheless. */
export function leftOut(check: SeriesCheck, nevertheless: string[]): string[] {
  return check.times.filter((one) => canOverrule(one) && !nevertheless.includes(one.starts_at)).map((one) => one.starts_at);
}

/** How many would be booked. */
export function bookable(check: SeriesCheck, nevertheless: string[]): number {
  return check.times.filter((one) => one.finding === 'free' || nevertheless.includes(one.starts_at)).length;
}

/** Of a group: who is somewhere else at a time, by name. */
export type Elsewhere = (look: TimeLook) => string[];

/** The times at which somebody of a group is somewhere else. */
export function ElsewhereList({ times, zone, elsewhere }: { times: TimeLook[]; zone: string; elsewhere: Elsewhere }) {
  const some = times.filter((one) => !isBlocked(one) && elsewhere(one).length);
  if (!some.length) return null;
  return <Note tone="warn">{words.elsewhere(some.length)}<ul class="dots">{some.map((one) => <li key={one.starts_at}>{words.elsewhereAt(brief(one.starts_at, zone), elsewhere(one))}</li>)}</ul></Note>;
}

/** The times with what speaks against them; those outside the hours can be booked nevertheless, one by one. */
export function SeriesLooks({ check, asked, zone, nevertheless, onNevertheless, elsewhere }: { check: SeriesCheck | null; asked: boolean; zone: string; nevertheless: string[]; onNevertheless: (starts: string[]) => void; elsewhere?: Elsewhere }) {
  const slow = useSlow(asked && check === null);
  if (!check) return <p class="small soft" role="status">{slow ? words.looking : ''}</p>;
  const free = check.times.filter((one) => one.finding === 'free');
  const others = check.times.filter((one) => one.finding !== 'free');
  return (
    <section class="stack g3" aria-labelledby="looks">
      <h2 id="looks">{words.title}</h2>
      <p class="small soft">{words.zone(zoneLabel(check.zone))}</p>
      <div role="status"><Note tone={others.length ? 'warn' : 'good'}>{others.length ? words.some(free.length, check.times.length) : words.all(free.length)}</Note></div>
      {others.length ? (
        <ul class="stack g2 looks">
          {others.map((one) => (
            <li key={one.starts_at}>
              <div class="cluster g2"><Icon name="alert" /><span class="strong">{brief(one.starts_at, zone)}</span><span class="small">{recurring.why(one.finding)}</span></div>
              {canOverrule(one)
                ? <Check checked={nevertheless.includes(one.starts_at)} onChange={(on) => onNevertheless(on ? [...nevertheless, one.starts_at] : nevertheless.filter((each) => each !== one.starts_at))}>{words.nevertheless}<span class="hidden">{words.of(brief(one.starts_at, zone))}</span></Check>
                : <p class="small soft">{words.never}</p>}
            </li>
          ))}
        </ul>
      ) : null}
      {elsewhere ? <ElsewhereList times={check.times} zone={zone} elsewhere={elsewhere} /> : null}
      {free.length ? <details><summary>{words.show(free.length)}</summary><ol class="freelist small">{free.map((one) => <li key={one.starts_at}>{brief(one.starts_at, zone)}</li>)}</ol></details> : null}
    </section>
  );
}
