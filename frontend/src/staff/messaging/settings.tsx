/** How the practice answers messages: receipts, hours with their note, and the desks that clients can write to. */
import { api, call } from '../../http.ts';
import { messaging } from '../../strings/messaging.ts';
import { staff as general } from '../../strings/staff.ts';
import type { Settings } from '../../types.ts';
import { Check, FieldError, Group, useLoad } from '../../ui/index.ts';
import { useState } from 'preact/hooks';
import type { Saving } from '../organization/saving.ts';

const words = messaging.settings;
const DESKS = ['administration', 'billing', 'clinical'] as const;
type Hours = Settings['messaging']['hours'];

const clockOf = (minute: number) => `${String(Math.floor(Math.min(minute, 1439) / 60)).padStart(2, '0')}:${String(Math.min(minute, 1439) % 60).padStart(2, '0')}`;
function minuteOf(clock: string): number {
  const [hour, minute] = clock.split(':').map(Number);
  const at = hour! * 60 + minute!;
  return at === 1439 ? 1440 : at; // 11:59 PM is the end of the day
}

/** Hours of a week; a day is saved when both its times make sense. */
export function MessageHours({ saving, locked }: { saving: Saving; locked: boolean }) {
  const { hours } = saving.settings.messaging;
  const [wrong, setWrong] = useState<number | null>(null);
  const set = (day: number, span: [number, number] | null) => {
    if (span && span[0] >= span[1]) return setWrong(day);
    setWrong(null);
    const next: Hours = hours.map((one, index) => (index === day ? span : one));
    void saving.save('message-hours', { messaging: { hours: next } });
  };
  return (
    <Group id="message-hours" label={words.hours} help={words.hoursHelp}>
      <div class="answerdays">
        {words.days.map((name, day) => {
          const span = hours[day] ?? null;
          return (
            <div class="dayrow" key={name}>
              <div class="rangerow">
                <Check checked={span !== null} disabled={locked} onChange={(on) => set(day, on ? [540, 1020] : null)}><span class="dayname">{name}</span></Check>
                {span && (
                  <>
                    <label class="timefield"><span class="hidden">{words.from(name)}</span><input class="input" type="time" disabled={locked} value={clockOf(span[0]!)} onChange={(event) => { if (event.currentTarget.value) set(day, [minuteOf(event.currentTarget.value), span[1]!]); }} /></label>
                    <label class="timefield"><span class="hidden">{words.to(name)}</span><input class="input" type="time" disabled={locked} value={clockOf(span[1]!)} onChange={(event) => { if (event.currentTarget.value) set(day, [span[0]!, minuteOf(event.currentTarget.value)]); }} /></label>
                  </>
                )}
              </div>
              {wrong === day && <FieldError id={`hours-${day}-error`} text={words.order} />}
            </div>
          );
        })}
      </div>
    </Group>
  );
}

/** Administration, Billing, Clinical questions: open or not, and who answers. */
export function MessageDesks({ saving, locked }: { saving: Saving; locked: boolean }) {
  const people = useLoad(async () => (locked ? [] : (await call(api.GET('/practice/staff'))).items), [locked]); // therapists read the settings only
  const { desks } = saving.settings.messaging;
  const everyone = (people.data ?? []).filter((one) => one.status === 'active');
  return (
    <Group id="message-desks" label={words.desks} help={words.desksHelp}>
      <div class="stack g4">
        {DESKS.map((name) => {
          const desk = desks[name];
          const named = (staff_id: string, on: boolean) => (on ? [...desk.staff_ids, staff_id] : desk.staff_ids.filter((one) => one !== staff_id)).slice(0, 10);
          const offered = everyone.filter((one) => one.seat || desk.staff_ids.includes(one.staff_id));
          return (
            <div class="stack g2" key={name}>
              <Check checked={desk.on} disabled={locked} onChange={(on) => void saving.save('message-desks', { messaging: { desks: { [name]: { on, staff_ids: desk.staff_ids } } } })}>{words.deskOn(words.desk[name])}</Check>
              {desk.on && offered.length > 0 && (
                <fieldset class="deskpeople">
                  <legend class="small soft">{words.answer(words.desk[name])}</legend>
                  <div class="cluster g4">
                    {offered.map((one) => <Check key={one.staff_id} checked={desk.staff_ids.includes(one.staff_id)} disabled={locked} onChange={(on) => void saving.save('message-desks', { messaging: { desks: { [name]: { on: true, staff_ids: named(one.staff_id, on) } } } })}>{one.name}</Check>)}
                  </div>
                </fieldset>
              )}
            </div>
          );
        })}
      </div>
      {people.problem && <p class="tiny soft">{general.trouble.title}</p>}
    </Group>
  );
}
