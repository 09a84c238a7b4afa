/** One appointment of the client: what it is, what has become of it, and what can be done about it. */
import { useLocation, useRoute } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../http.ts';
import { useSession } from '../session.tsx';
import { ClientShell } from '../shell/ClientShell.tsx';
import { scheduling } from '../strings/scheduling.ts';
import type { MyAppointment } from '../types.ts';
import { Await, Badge, Bones, Button, Dialog, Facts, Heading, LinkButton, Note, ProblemNote, TextField, WithPhone, brief, deviceZone, spoken, statusBadge, time, useAct, useLoad, useToast, whereOf, zoneLabel } from '../ui/index.ts';
import { isLive, useBooking } from './Appointments.tsx';
import { Join, Offers, loadWaits } from './Waits.tsx';

const words = scheduling.one;

export default function AppointmentPage() {
  const { appointment_id } = useRoute().params as { appointment_id: string };
  const loaded = useLoad(() => call(api.GET('/portal/appointments/{appointment_id}', { params: { path: { appointment_id } } })), [appointment_id]);
  return (
    <ClientShell>
      <div class="stack g5">
        <p><a class="small" href="/appointments">{words.back}</a></p>
        <Await of={loaded} bones={<Bones rows={3} />}>{(one) => <One one={one} put={loaded.put} reload={loaded.reload} />}</Await>
      </div>
    </ClientShell>
  );
}

/** The first words after booking or moving; the address says which it was. */
function titleOf(one: MyAppointment, done: string | undefined): string {
  if (!done || !isLive(one)) return words.title;
  if (one.status === 'confirmed') return done === 'moved' ? words.movedTitle : words.bookedTitle;
  return done === 'moved' ? words.movedAsked : words.askedTitle;
}

function toldOf(one: MyAppointment, zone: string): string {
  const { told } = scheduling;
  const until = one.held_until ? brief(one.held_until, zone) : '';
  if (one.status === 'requested') return told.requested(until);
  if (one.status === 'proposed') return told.proposed(until);
  if (one.status === 'cancelled') return told[one.late ? 'late' : 'cancelled'][one.ended_by ?? 'system'];
  return told[one.status];
}

function One({ one, put: show, reload }: { one: MyAppointment; put: (next: MyAppointment) => void; reload: () => Promise<void> }) {
  const { query } = useLocation();
  const put = (next: MyAppointment) => show({ ...next, link_follows: next.link_follows ?? one.link_follows }); // said when it was read
  const open = useBooking();
  const zone = deviceZone();
  const badge = statusBadge(one);
  const title = titleOf(one, query['done']);
  const told = toldOf(one, zone);
  // While other times are offered there is none yet: they are below.
  const when: [string, string][] = one.status === 'proposed' ? [] : [[words.when, spoken(one, zone)], [words.zone, zoneLabel(zone, new Date(one.starts_at))]];
  const rows: [string, preact.ComponentChildren][] = [
    ...when, [words.who, one.therapist],
    [words.what, one.service], [words.where, whereOf(one)],
  ];
  if (one.note) rows.push([words.note, <span class="said">{one.note}</span>]);
  return (
    <>
      <div class="stack g2">
        <Heading move={`${title} ${one.status}`}>{title}</Heading>
        <p><Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge></p>
        {told ? <p class="soft" role="status">{told}</p> : null}
      </div>
      {one.message ? <Note tone="own" icon="message"><strong>{words.message}</strong><br /><span class="said">{one.message}</span></Note> : null}
      <div class="card stack g4">
        <Facts rows={rows} />
        {one.telehealth_link ? (
          <div class="stack g2"><LinkButton look="primary" wide href={one.telehealth_link} target="_blank">{words.join}</LinkButton><p class="small soft">{words.joinHelp}</p></div>
        ) : one.mode === 'telehealth' && one.status === 'confirmed' && Date.parse(one.ends_at) > Date.now() ? <p class="small soft">{one.link_follows ? words.joinLater : words.joinSent}</p> : null}
      </div>
      {one.status === 'proposed' ? <Proposals one={one} zone={zone} put={put} reload={reload} /> : null}
      {isLive(one) ? <Acts one={one} zone={zone} put={put} reload={reload} /> : null}
      {['declined', 'expired', 'cancelled'].includes(one.status) && open ? <div><LinkButton icon="calendar" href="/appointments/new">{words.again}</LinkButton></div> : null}
      {isLive(one) && one.can_move && open ? <Earlier one={one} /> : null}
    </>
  );
}

/** Told of something earlier than this appointment: joining, waiting, and what is offered. */
function Earlier({ one }: { one: MyAppointment }) {
  const found = useLoad(async () => {
    const [waits, offer] = await Promise.all([loadWaits(), call(api.GET('/portal/scheduling'))]);
    return { waits: waits.items.filter((each) => each.therapist_id === one.therapist_id), offer };
  }, [one.appointment_id]);
  if (!found.data) return null; // it is only an offer: the page does without
  const { waits, offer } = found.data;
  const own = waits.filter((each) => each.appointment_id === one.appointment_id);
  if (own.some((each) => each.starts_at)) return <Offers items={own} onChange={found.reload} />;
  if (waits.length) return <p class="small soft">{own.length ? scheduling.waits.earlier : scheduling.waits.already(one.therapist)} <a href="/appointments">{scheduling.waits.see}</a></p>;
  if (!offer.wait_list || one.status === 'proposed') return null;
  return <Join appointment_id={one.appointment_id} therapists={[]} hold={offer.offer_hold_hours} label={scheduling.waits.join} />;
}

interface ActsProps { one: MyAppointment; zone: string; put: (next: MyAppointment) => void; reload: () => Promise<void> }

/** The same act again (after a lost answer) has the same key. */
function useKey(): () => string {
  const key = useRef(newKey());
  return () => key.current;
}

const headers = (one: MyAppointment, key: string) => ({ path: { appointment_id: one.appointment_id }, header: { 'If-Match': one.etag, 'Idempotency-Key': key } });

function Proposals({ one, zone, put, reload }: ActsProps) {
  const say = useToast();
  const keys = useRef<Record<string, string>>({});
  const accept = useAct(async (starts_at: string) => {
    try {
      const key = (keys.current[starts_at] ??= newKey());
      put(await call(api.POST('/portal/appointments/{appointment_id}/acceptance', { params: headers(one, key), body: { starts_at } })));
      say(words.accepted);
    } catch (cause) {
      keys.current = {};
      void reload();
      throw cause;
    }
  });
  return (
    <section class="card lead stack g3" aria-labelledby="offered">
      <h2 id="offered">{scheduling.list.offers}</h2>
      <p class="small soft">{zoneLabel(zone, new Date(one.starts_at))}</p>
      {one.proposals.map((each) => <Button key={each} wide busy={accept.busy} onClick={() => void accept.run(each)}>{words.accept(brief(each, zone))}</Button>)}
      <ProblemNote problem={accept.problem} />
    </section>
  );
}

function Acts({ one, zone, put, reload }: ActsProps) {
  const { tenant } = useSession();
  const open = useBooking();
  const say = useToast();
  const key = useKey();
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const cancel = useAct(async (words_: string) => {
    try {
      put(await call(api.POST('/portal/appointments/{appointment_id}/cancellation', { params: headers(one, key()), body: reason.trim() ? { reason: reason.trim() } : {} })));
      setAsking(false);
      say(words_);
    } catch (cause) {
      void reload();
      throw cause;
    }
  });
  const asked = one.status !== 'confirmed';
  // Taking back what was moved gives the earlier time back to nobody: that is a question, no undo.
  // While a request can be undone, that is the way to take it back: two buttons that do the same only raise the question which.
  const undo = one.undo_until && one.status !== 'proposed' && !one.moved ? one.undo_until : null;
  return (
    <div class="stack g3">
      {undo ? (
        <Note tone="info" action={<Button mini busy={cancel.busy} onClick={() => void cancel.run(words.undone)}>{words.undo}</Button>}>{words.undoText(time(undo, zone))}</Note>
      ) : null}
      {one.can_cancel ? (
        <>
          <div class="cluster g2 acts">
            {one.can_move && open && one.status !== 'proposed' ? <LinkButton icon="clock" href={`/appointments/new?moving=${one.appointment_id}`}>{words.move}</LinkButton> : null}
            {undo && asked ? null : <Button look="quiet" onClick={() => setAsking(true)}>{one.status === 'proposed' ? words.none : asked ? words.withdraw : words.cancel}</Button>}
          </div>
          {one.group ? <p class="small soft"><WithPhone text={words.group(brief(one.cancel_until, zone), tenant.phone)} phone={tenant.phone} /></p> : null}
          {one.can_move && !asked ? <p class="small soft">{words.until(brief(one.cancel_until, zone))}</p> : null}
          {one.can_move && !open ? <p class="small soft"><WithPhone text={words.call(tenant.phone)} phone={tenant.phone} /></p> : null}
        </>
      ) : <Note tone="info" icon="phone"><WithPhone text={words.tooLate(tenant.phone)} phone={tenant.phone} />{Date.parse(one.cancel_until) < Date.now() ? ` ${words.since(brief(one.cancel_until, zone))}` : ''}</Note>}
      {asking ? null : <ProblemNote problem={cancel.problem} />}
      <Dialog
        open={asking} onClose={() => setAsking(false)} title={one.status === 'proposed' ? words.noneTitle : asked ? words.withdrawTitle : words.cancelTitle}
        actions={<><Button look="danger" busy={cancel.busy} onClick={() => void cancel.run(words.cancelled)}>{one.status === 'proposed' ? words.pass : asked ? words.withdraw : words.cancel}</Button><Button onClick={() => setAsking(false)}>{one.status === 'proposed' ? words.keepTimes : words.keep}</Button></>}
      >
        <p>{one.status === 'proposed' ? words.noneText : words.cancelText}{one.moved ? ` ${words.movedText}` : ''}</p>
        <TextField label={words.reason} help={words.reasonHelp} optional rows={2} maxLength={1000} value={reason} onInput={setReason} />
        <ProblemNote problem={cancel.problem} />
      </Dialog>
    </div>
  );
}
