/** Choosing a day and a time: a week of days, then the times of the chosen one, in a zone that can be changed. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, call } from '../http.ts';
import { useSession } from '../session.tsx';
import { scheduling } from '../strings/scheduling.ts';
import type { Bookable } from '../types.ts';
import { Await, Bones, Button, Empty, Icon, Note, SelectField, WithPhone, addDays, brief, dateWords, dayKey, dayWords, dayOfWeek, deviceZone, minuteOfDay, time, useLoad, zoneLabel, zones } from '../ui/index.ts';
import { ANY, nameOf, wayOf, type Choice, type Slot } from './Book.tsx';
import { Join, loadWaits, type Wish } from './Waits.tsx';

const words = scheduling.book;

interface TimesProps { offer: Bookable; choice: Choice; moving?: string; lost: Lost | null; error: string | null; onChange: (next: Partial<Choice>) => void }

/** A time that was chosen and is open no more, and what is said of it. */
export interface Lost { starts_at: string; say: string }

/** The Sunday of a day's week. */
const weekOf = (day: string) => addDays(day, -dayOfWeek(day));

/** The zones that matter here first, then all. */
function zoneOptions(offer: Bookable): [string, string][] {
  const near = [...new Set([deviceZone(), ...offer.therapists.map((each) => each.zone), offer.zone])];
  return [...near.map((zone): [string, string] => [zone, zoneLabel(zone)]), ...zones().filter(([zone]) => !near.includes(zone))];
}

export function Times({ offer, choice, moving, lost, error, onChange }: TimesProps) {
  const { tenant } = useSession();
  const { zone, slot } = choice;
  const today = dayKey(new Date(), zone);
  const chosen = slot ?? lost;
  const [day, setDay] = useState(chosen ? dayKey(chosen.starts_at, zone) : today);
  const [week, setWeek] = useState(weekOf(day));
  const wish = { service_id: choice.service_id!, ...wayOf(choice.how!), ...(choice.staff_id && choice.staff_id !== ANY ? { staff_id: choice.staff_id } : {}) };
  const first = useLoad(() => call(api.GET('/portal/slots/first', { params: { query: wish } })), [lost]);
  const loaded = useLoad(async () => {
    const found = await call(api.GET('/portal/slots', { params: { query: { ...wish, first_day: week, last_day: addDays(week, 6), zone, ...(moving ? { moving } : {}) } } }));
    return byDay(found.items, zone);
  }, [week, zone, lost]);
  const jumped = useRef(slot !== null);
  const go = (starts_at: string) => { const to = dayKey(starts_at, zone); setDay(to); setWeek(weekOf(to)); };
  useLayoutEffect(() => {
    // The first time that is open is the best place to begin looking; after a loss it is the week of what was lost, while
    // that has times. At once, so that nobody acts on a page that then goes elsewhere.
    if (!first.data || jumped.current || (lost && !loaded.data)) return;
    jumped.current = true;
    if (first.data.starts_at && !(lost && Object.keys(loaded.data!).length)) go(first.data.starts_at);
  }, [first.data, loaded.data]);
  const days = Array.from({ length: 7 }, (_, n) => addDays(week, n));
  const days_ = loaded.data ?? {};
  const shown = days.includes(day) && days_[day]?.length ? day : days.find((each) => days_[each]?.length) ?? null;
  const rezone = (next: string) => {
    // The day that is shown because of an instant follows that instant; a day that was chosen stays.
    const begun = first.data?.starts_at && dayKey(first.data.starts_at, zone) === day ? first.data.starts_at : null;
    const at = slot?.starts_at ?? begun;
    const to = at ? dayKey(at, next) : day;
    setDay(to);
    setWeek(weekOf(to));
    onChange({ zone: next });
  };
  // Who has begun to look is led nowhere else by an answer that comes late.
  const step = (by: number) => { jumped.current = true; setWeek(addDays(week, by)); setDay(addDays(week, by)); };
  const horizon = dayKey(new Date(Date.now() + offer.horizon_days * 86_400_000), zone);
  const nothing = first.data !== null && first.data.starts_at === null;
  return (
    <div class="stack g5">
      {lost ? <Note tone="warn" live>{lost.say}</Note> : null}
      <SelectField id="zone" label={words.zone} value={zone} options={zoneOptions(offer)} onChange={rezone} />
      {nothing ? (
        <section class="card flush"><Empty icon="calendar" title={words.noneTitle}><WithPhone text={words.none(tenant.phone)} phone={tenant.phone} /></Empty></section>
      ) : (
        <>
          {first.data?.starts_at ? <div><Button icon="clock" onClick={() => { const at = first.data!.starts_at!; go(at); onChange({ slot: { starts_at: at, staff_id: first.data!.staff_id! } }); }}>{words.first(brief(first.data.starts_at, zone))}{choice.staff_id === ANY ? words.firstWith(nameOf(offer, first.data.staff_id)) : ''}</Button></div> : null}
          <fieldset class="stack g3">
            <legend class="hidden">{words.day}</legend>
            <div class="split">
              <h2>{`${dayWords(week, 'short')} – ${dayWords(days[6]!, 'short')}`}</h2>
              <div class="cluster g1">
                <Button look="quiet" mini class="icon" disabled={week <= today} onClick={() => step(-7)}><Icon name="left" /><span class="hidden">{words.weekBefore}</span></Button>
                <Button look="quiet" mini class="icon" disabled={addDays(week, 7) > horizon} onClick={() => step(7)}><Icon name="right" /><span class="hidden">{words.nextWeek}</span></Button>
              </div>
            </div>
            <div class="days">
              {days.map((each) => {
                const open = (days_[each]?.length ?? 0) > 0;
                return (
                  <label key={each} class={open ? '' : 'none'}>
                    <input type="radio" name="day" disabled={!open} checked={shown === each} onChange={() => { jumped.current = true; setDay(each); }} />
                    {dateWords(each, { weekday: 'short' })}<b>{Number(each.slice(8))}</b><span class="hidden">{open ? words.open : words.noTimes}</span>
                  </label>
                );
              })}
            </div>
          </fieldset>
          <Await within of={loaded} bones={<Bones rows={2} />}>
            {() => shown ? <DayTimes slots={days_[shown]!} day={shown} zone={zone} picked={slot} error={error} onPick={(next) => { jumped.current = true; onChange({ slot: next }); }} /> : <p class="soft" role="status">{words.noneWeek}</p>}
          </Await>
        </>
      )}
      {offer.wait_list ? <Earlier offer={offer} choice={choice} moving={moving} wish={wish} /> : null}
    </div>
  );
}

/** Told of something earlier: joining the list of one whom the client does not wait for yet; else that they do. */
function Earlier({ offer, choice, moving, wish }: Pick<TimesProps, 'offer' | 'choice' | 'moving'> & { wish: Omit<Wish, 'staff_id'> }) {
  const waits = useLoad(loadWaits, []);
  if (!waits.data && !waits.problem) return null;
  const asked = choice.staff_id === ANY ? offer.therapists : offer.therapists.filter((each) => each.staff_id === choice.staff_id);
  const left = asked.filter((each) => !waits.data?.items.some((one) => one.therapist_id === each.staff_id));
  if (asked.length && !left.length) return <p class="small soft">{scheduling.waits.already(asked.map((each) => each.name).join('; '))} <a href="/appointments">{scheduling.waits.see}</a></p>;
  return (
    <Join
      {...(moving ? { appointment_id: moving } : { wish: { ...wish, staff_id: choice.staff_id === ANY ? null : choice.staff_id } })}
      therapists={left.map((each): [string, string] => [each.staff_id, each.name])} hold={offer.offer_hold_hours}
      label={moving ? scheduling.waits.join : scheduling.waits.joinAny}
    />
  );
}

/** All starts by calendar day of the zone; of several therapists at one time, the first. */
function byDay(groups: { staff_id: string; starts: string[] }[], zone: string): Record<string, Slot[]> {
  const found: Record<string, Slot[]> = {};
  const seen = new Set<string>();
  const all = groups.flatMap((each) => each.starts.map((starts_at) => ({ starts_at, staff_id: each.staff_id })));
  for (const each of all.sort((one, other) => one.starts_at.localeCompare(other.starts_at))) {
    if (seen.has(each.starts_at)) continue;
    seen.add(each.starts_at);
    (found[dayKey(each.starts_at, zone)] ??= []).push(each);
  }
  return found;
}

function partOf(slot: Slot, zone: string): 'morning' | 'afternoon' | 'evening' {
  const minute = minuteOfDay(slot.starts_at, zone);
  return minute < 720 ? 'morning' : minute < 1020 ? 'afternoon' : 'evening';
}

function DayTimes({ slots, day, zone, picked, error, onPick }: { slots: Slot[]; day: string; zone: string; picked: Slot | null; error: string | null; onPick: (slot: Slot) => void }) {
  const ref = useRef<HTMLFieldSetElement>(null);
  useEffect(() => { if (error) ref.current?.querySelector('input')?.focus(); }, [error]);
  const label = zoneLabel(zone, new Date(`${day}T12:00:00Z`));
  // In the night when clocks go back, one time of day comes twice: then the offset tells them apart.
  const names = slots.map((each) => time(each.starts_at, zone));
  const name = (index: number) => names.indexOf(names[index]!) === names.lastIndexOf(names[index]!) ? names[index]! : `${names[index]!} ${offset(slots[index]!.starts_at, zone)}`;
  return (
    <fieldset ref={ref} class={error ? 'field invalid' : 'stack g5'} aria-describedby={error ? 'when-error' : undefined}>
      <legend class="hidden">{words.timesOn(dayWords(day), label)}</legend>
      <p class="small"><span class="strong">{dayWords(day)}</span> <span class="soft">{label}</span></p>
      {error ? <p class="error" id="when-error" role="alert"><Icon name="alert" /><span>{error}</span></p> : null}
      {(['morning', 'afternoon', 'evening'] as const).map((part) => {
        const these = slots.map((each, index) => ({ each, index })).filter(({ each }) => partOf(each, zone) === part);
        return these.length ? (
          <div class="stack g2" key={part}>
            <h3 class="small soft">{words.parts[part]}</h3>
            <div class="slots">
              {these.map(({ each, index }) => (
                <label class="slot" key={each.starts_at}><input type="radio" name="time" checked={picked?.starts_at === each.starts_at} onChange={() => onPick(each)} />{name(index)}</label>
              ))}
            </div>
          </div>
        ) : null;
      })}
    </fieldset>
  );
}

/** "EDT" */
function offset(instant: string, zone: string): string {
  return new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'short' }).formatToParts(new Date(instant)).find((part) => part.type === 'timeZoneName')?.value ?? '';
}
