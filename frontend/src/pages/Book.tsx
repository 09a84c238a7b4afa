/** Booking: whom, where, what, when; then a note and the one button. Only what the server offers. */
import { useLocation } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, call, newKey, type Problem } from '../http.ts';
import { useSession } from '../session.tsx';
import { TaskShell } from '../shell/TaskShell.tsx';
import { scheduling } from '../strings/scheduling.ts';
import type { Bookable, MyAppointment } from '../types.ts';
import { Await, Bones, Button, Empty, Facts, Heading, Icon, LinkButton, Note, ProblemNote, TextField, WithPhone, brief, deviceZone, useAct, useDraft, useLoad, weekday, span, time, zoneLabel } from '../ui/index.ts';
import { useBooking } from './Appointments.tsx';
import { Times, type Lost } from './Times.tsx';

const words = scheduling.book;
export const ANY = 'any';

/** What a therapist is called here. */
export const nameOf = (offer: Bookable, staff_id: string | null): string => offer.therapists.find((each) => each.staff_id === staff_id)?.name ?? words.any;

/** What has been chosen so far; it outlives a reload and a time-out. */
export interface Choice { staff_id: string | null; how: string | null; service_id: string | null; zone: string; slot: Slot | null; note: string }
export interface Slot { starts_at: string; staff_id: string }
type Step = 'who' | 'how' | 'what' | 'when' | 'check';

export default function Book() {
  const open = useBooking();
  const session = useSession();
  const { query } = useLocation();
  const moving = query['moving'] ?? null;
  const loaded = useLoad(async () => {
    const [offer, one] = await Promise.all([
      open ? call(api.GET('/portal/scheduling')) : null,
      moving ? call(api.GET('/portal/appointments/{appointment_id}', { params: { path: { appointment_id: moving } } })) : null,
    ]);
    return { offer, one };
  }, [moving, open]);
  const state = session.features.self_scheduling;
  if (!open) return <Closed text={words.off[state?.reason ?? ''] ?? words.offOther} />;
  if (!loaded.data) return <TaskShell out={{ href: '/appointments', label: words.out }}><Await of={loaded} bones={<Bones rows={3} />}>{() => null}</Await></TaskShell>;
  const offer = loaded.data.offer!;
  if (!offer.therapists.length || !offer.services.length) return <Closed text={words.nobody} />;
  return <Steps key={moving ?? ''} offer={offer} moving={loaded.data.one} reload={loaded.reload} />;
}

/** Why nothing can be booked, and whom to call. */
function Closed({ text }: { text: string }) {
  const { tenant } = useSession();
  return (
    <TaskShell out={{ href: '/appointments', label: words.out }}>
      <section class="card flush"><Empty level={1} icon="calendar" title={words.offTitle} action={<LinkButton href="/appointments">{scheduling.one.done}</LinkButton>}>{text} <WithPhone text={words.callThem(tenant.phone)} phone={tenant.phone} /></Empty></section>
    </TaskShell>
  );
}

/** How one gets into the video room: by a link that the portal shows, or as the therapist says; it depends on whom one sees. */
function videoHelp(offer: Bookable, staff_id: string | null): string {
  const asked = offer.therapists.filter((each) => staff_id === null || staff_id === ANY || each.staff_id === staff_id);
  const linked = asked.filter((each) => each.video_link).length;
  return !linked ? words.videoSent : linked === asked.length ? words.videoHelp : words.videoEither;
}

/** Where a meeting can be: by video, in person, or in person at one of the places. */
function ways(offer: Bookable, staff_id: string | null = null): { id: string; label: string; help: string }[] {
  const places = offer.locations.length
    ? offer.locations.map((each) => ({ id: each.location_id, label: scheduling.at(each.name), help: each.address ?? '' }))
    : [{ id: 'in_person', label: scheduling.mode.in_person, help: '' }];
  return [...places, { id: 'telehealth', label: words.video, help: videoHelp(offer, staff_id) }];
}

/** The chosen way as the API takes it. */
export function wayOf(how: string): { mode: 'in_person' | 'telehealth'; location_id?: string } {
  if (how === 'telehealth' || how === 'in_person') return { mode: how };
  return { mode: 'in_person', location_id: how };
}

function begun(offer: Bookable, moving: MyAppointment | null): Choice {
  const empty: Choice = { staff_id: null, how: null, service_id: null, zone: deviceZone(), slot: null, note: '' };
  if (moving) return { ...empty, staff_id: moving.therapist_id, service_id: moving.service_id, how: moving.mode === 'telehealth' ? 'telehealth' : moving.location_id ?? 'in_person' };
  const [therapist, service] = [offer.therapists, offer.services];
  return { ...empty, staff_id: therapist.length === 1 ? therapist[0]!.staff_id : null, service_id: service.length === 1 ? service[0]!.service_id : null };
}

/** A draft that names what is offered no more loses that part. */
function still(choice: Choice, offer: Bookable, moving: MyAppointment | null): Choice {
  if (moving) return choice;
  const fresh = begun(offer, null);
  const staff_id = choice.staff_id === ANY || offer.therapists.some((each) => each.staff_id === choice.staff_id) ? choice.staff_id : fresh.staff_id;
  const service_id = offer.services.some((each) => each.service_id === choice.service_id) ? choice.service_id : fresh.service_id;
  const how = ways(offer).some((each) => each.id === choice.how) ? choice.how : null;
  return { ...choice, staff_id: offer.therapists.length === 1 ? fresh.staff_id : staff_id, service_id, how };
}

function Steps({ offer, moving, reload }: { offer: Bookable; moving: MyAppointment | null; reload: () => Promise<void> }) {
  const { person } = useSession();
  const { route, query } = useLocation();
  const [kept, keepDraft, drop] = useDraft<Choice>(person.id, `booking:${moving?.appointment_id ?? ''}`, begun(offer, moving));
  const choice = still(kept, offer, moving);
  const steps: Step[] = moving ? ['when', 'check'] : [
    ...(offer.therapists.length > 1 ? ['who' as const] : []), 'how', ...(offer.services.length > 1 ? ['what' as const] : []), 'when', 'check',
  ];
  const answered: Record<Step, boolean> = { who: !!choice.staff_id, how: !!choice.how, what: !!choice.service_id, when: !!choice.slot, check: false };
  // Each step has an address, so that a phone's own way back leads to the step before.
  const wanted = (query['step'] ?? steps[0]) as Step;
  const go = (step: Step, replace: boolean) => route(`/appointments/new?${new URLSearchParams({ ...(moving ? { moving: moving.appointment_id } : {}), step })}`, replace);
  // No step before its time: a lost draft begins at the first thing that is missing.
  const first = steps.findIndex((each) => !answered[each]);
  const at = Math.min(Math.max(0, steps.indexOf(wanted)), first);
  const step = steps[at]!;
  const [pick, setPick] = useState<string | null>(null);
  const [lost, setLost] = useState<Lost | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const key = useRef<{ body: string; key: string }>({ body: '', key: '' });
  const change = (next: Partial<Choice>) => { setPick(null); setProblem(null); keepDraft({ ...choice, ...next }); };
  const send = useAct(async () => {
    setProblem(null);
    const slot = choice.slot!;
    try {
      const done = await book(choice, moving, key.current);
      drop();
      route(`/appointments/${done.appointment_id}?done=${moving ? 'moved' : 'booked'}`, true);
    } catch (cause) {
      const found = asProblem(cause);
      if (!found.passing) key.current = { body: '', key: '' };
      const when = time(slot.starts_at, choice.zone);
      if (['slot_taken', 'slot_not_offered', 'too_soon', 'too_far'].includes(found.code)) {
        setLost({ starts_at: slot.starts_at, say: found.code === 'slot_taken' ? words.taken(when) : words.gone(when) });
        keepDraft({ ...choice, slot: null });
        go('when', true);
      } else {
        setProblem(found);
        if (['therapist_not_offered', 'service_not_offered'].includes(found.code)) {
          keepDraft({ ...choice, staff_id: null, service_id: null, slot: null });
          go(steps[0]!, true);
          await reload();
        }
      }
    }
  });
  const back = () => { setPick(null); setProblem(null); go(steps[at - 1]!, true); };
  const onward = () => {
    if (!answered[step]) return setPick(words.pick[step as 'who']);
    setLost(null);
    setProblem(null);
    go(steps[at + 1]!, false);
  };
  const last = step === 'check';
  const label = moving ? (offer.instant_confirmation ? words.moveNow : words.moveAsk) : offer.instant_confirmation ? words.bookNow : words.request;
  const foot = (
    <div class="stack g2">
      <ProblemNote problem={problem} />
      {step === 'when' && choice.slot ? <div class="split small" role="status"><span><span class="strong">{brief(choice.slot.starts_at, choice.zone)}</span>{choice.staff_id === ANY ? words.withWhom(nameOf(offer, choice.slot.staff_id)) : ''}</span><span class="soft">{zoneLabel(choice.zone, new Date(choice.slot.starts_at))}</span></div> : null}
      <div class="cluster g2">
        {at > 0 ? <Button onClick={back}>{words.back}</Button> : null}
        <Button type="submit" form="booking" look="primary" class="grow" busy={send.busy} busyLabel={words.sending}>{last ? label : words.continue}</Button>
      </div>
    </div>
  );
  return (
    <TaskShell out={{ href: '/appointments', label: words.out }} status={<span class="small soft">{words.step(at + 1, steps.length)}</span>} foot={foot}>
      <form class="stack g6" id="booking" noValidate onSubmit={(event) => { event.preventDefault(); if (last) void send.run(); else onward(); }}>
        {step === 'who' ? (
          <Cards step={step} title={words.who} error={pick} value={choice.staff_id} onPick={(staff_id) => change({ staff_id, slot: null })}
            options={[...offer.therapists.map((each) => ({ id: each.staff_id, label: each.name, help: '' })), { id: ANY, label: words.any, help: words.anyHelp }]} />
        ) : null}
        {step === 'how' ? <Cards step={step} title={words.how} error={pick} value={choice.how} options={ways(offer, choice.staff_id)} onPick={(how) => change({ how, slot: null })} /> : null}
        {step === 'what' ? (
          <Cards step={step} title={words.what} error={pick} value={choice.service_id} onPick={(service_id) => change({ service_id, slot: null })}
            options={offer.services.map((each) => ({ id: each.service_id, label: each.name, help: words.serviceFacts(each.minutes, money(each.price)) }))} />
        ) : null}
        {step === 'when' ? (
          <>
            <Heading move="when">{moving ? words.whenMoving : words.when}</Heading>
            <Summary offer={offer} choice={choice} moving={moving} onChange={moving ? undefined : () => go(steps[0]!, false)} />
            <Times key={`${choice.staff_id}${choice.how}${choice.service_id}`} offer={offer} choice={choice} moving={moving?.appointment_id} lost={lost} error={pick} onChange={change} />
          </>
        ) : null}
        {last && choice.slot ? <CheckStep offer={offer} choice={choice} moving={moving} onNote={(note) => change({ note })} /> : null}
      </form>
    </TaskShell>
  );
}

/** Sends it; the same wish again, after a lost answer, carries the same key. */
async function book(choice: Choice, moving: MyAppointment | null, key: { body: string; key: string }): Promise<MyAppointment> {
  const slot = choice.slot!;
  const note = choice.note.trim();
  const body = { staff_id: slot.staff_id, service_id: choice.service_id!, ...wayOf(choice.how!), starts_at: slot.starts_at, zone: choice.zone, ...(note ? { note } : {}) };
  const text = JSON.stringify([body, moving?.etag]);
  if (key.body !== text) Object.assign(key, { body: text, key: newKey() });
  const header = { 'Idempotency-Key': key.key };
  if (!moving) return call(api.POST('/portal/appointments', { params: { header }, body }));
  return call(api.POST('/portal/appointments/{appointment_id}/time', {
    params: { path: { appointment_id: moving.appointment_id }, header: { ...header, 'If-Match': moving.etag } }, body: { starts_at: slot.starts_at, zone: choice.zone },
  }));
}

/** "$120.00"; a price of nothing is none. */
export function money(price: { amount: number; currency: string } | null): string | null {
  if (!price || !price.amount) return null;
  return new Intl.NumberFormat('en-US', { style: 'currency', currency: price.currency.toUpperCase() }).format(price.amount / 100);
}

function Cards({ step, title, options, value, error, onPick }: { step: string; title: string; options: { id: string; label: string; help: string }[]; value: string | null; error: string | null; onPick: (id: string) => void }) {
  const ref = useRef<HTMLFieldSetElement>(null);
  useEffect(() => { if (error) ref.current?.querySelector('input')?.focus(); }, [error]);
  return (
    <>
      <Heading move={step}>{title}</Heading>
      <fieldset ref={ref} class={error ? 'field invalid' : 'field'} aria-describedby={error ? 'pick-error' : undefined}>
        <legend class="hidden">{title}</legend>
        {error ? <p class="error" id="pick-error" role="alert"><Icon name="alert" /><span>{error}</span></p> : null}
        <div class="choices">
          {options.map((each) => (
            <label class="choice" key={each.id}>
              <input type="radio" name={step} checked={value === each.id} onChange={() => onPick(each.id)} />
              <span><span class="strong">{each.label}</span>{each.help ? <span class="small soft optionhelp">{each.help}</span> : null}</span>
            </label>
          ))}
        </div>
      </fieldset>
    </>
  );
}

function namesOf(offer: Bookable, choice: Choice, moving: MyAppointment | null) {
  const therapist = offer.therapists.find((each) => each.staff_id === (choice.slot?.staff_id ?? choice.staff_id));
  const service = offer.services.find((each) => each.service_id === choice.service_id);
  const way = ways(offer).find((each) => each.id === choice.how);
  return { therapist: therapist?.name ?? moving?.therapist ?? words.any, service: service?.name ?? moving?.service ?? '', way: way?.label ?? '', minutes: service?.minutes };
}

function Summary({ offer, choice, moving, onChange }: { offer: Bookable; choice: Choice; moving: MyAppointment | null; onChange?: () => void }) {
  const names = namesOf(offer, { ...choice, slot: null }, moving);
  return (
    <div class="card split" role="group" aria-label={words.chosen}>
      <div class="stack g1">
        <p class="strong">{names.therapist}</p>
        <p class="small soft">{[names.service, names.way].join(' · ')}</p>
        {moving ? <p class="small soft">{words.was(brief(moving.starts_at, choice.zone))}</p> : null}
      </div>
      {onChange ? <Button look="quiet" mini class="flush-x" onClick={onChange}>{words.change}<span class="hidden">{words.changeOf}</span></Button> : null}
    </div>
  );
}

function CheckStep({ offer, choice, moving, onNote }: { offer: Bookable; choice: Choice; moving: MyAppointment | null; onNote: (note: string) => void }) {
  const slot = choice.slot!;
  const names = namesOf(offer, choice, moving);
  const long = moving ? Date.parse(moving.ends_at) - Date.parse(moving.starts_at) : (names.minutes ?? 0) * 60_000;
  const whole = { starts_at: slot.starts_at, ends_at: new Date(Date.parse(slot.starts_at) + long).toISOString() };
  const zone = offer.therapists.find((each) => each.staff_id === slot.staff_id)?.zone;
  const { one } = scheduling;
  return (
    <>
      <Heading move="check">{offer.instant_confirmation ? words.checkInstant : words.check}</Heading>
      <section class="card stack g3" aria-label={words.chosen}>
        <div class="stack g1"><p class="strong lt">{weekday(slot.starts_at, choice.zone)}</p><p class="strong">{span(whole, choice.zone)}</p><p class="small soft">{zoneLabel(choice.zone, new Date(slot.starts_at))}</p></div>
        {zone && zoneLabel(zone, new Date(slot.starts_at)) !== zoneLabel(choice.zone, new Date(slot.starts_at)) ? <p class="small soft">{words.theirTime(names.therapist, brief(slot.starts_at, zone), zoneLabel(zone, new Date(slot.starts_at)))}</p> : null}
        <Facts rows={[[one.who, names.therapist], [one.what, names.service], [one.where, names.way]]} />
      </section>
      {moving ? null : <TextField label={words.note} help={words.noteHelp} optional rows={3} maxLength={1000} value={choice.note} onInput={onNote} />}
      {moving?.status === 'confirmed' && !offer.instant_confirmation ? <Note tone="warn">{words.frees(brief(moving.starts_at, choice.zone))}</Note> : null}
      <Note tone="info">{offer.instant_confirmation ? words.atOnce : words.held(offer.hold_hours)} {Date.parse(slot.starts_at) - offer.cancel_notice_hours * 3_600_000 < Date.now() ? words.noticeOver(offer.cancel_notice_hours, !offer.instant_confirmation) : words.notice(offer.cancel_notice_hours)}</Note>
    </>
  );
}
