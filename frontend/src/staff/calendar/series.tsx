/** A series: how far the work on it is, every time with what became of it; and changing one with all that follow. */
import { useLocation, useRoute } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, call, callUnlessSame, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { calendar } from '../../strings/calendar.ts';
import { recurring } from '../../strings/recurring.ts';
import { staff } from '../../strings/staff.ts';
import type { ClientAppointment, Occurrence, Series, SeriesCheck } from '../../types.ts';
import { Badge, Button, Check, Dialog, Heading, Icon, Note, TextField, brief, clockOf, dayKey, instantOf, statusBadge, useAct, useLoad, zoneLabel } from '../../ui/index.ts';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';
import { WhenFields, useFaultFocus } from './form.tsx';
import { unlessSame, useLooking } from './looking.ts';
import { isBlocked, isPast } from './repeat.tsx';

const words = recurring.series;
const seriesHref = (client_id: string, series_id: string) => `/staff/clients/${client_id}/series/${series_id}`;
/** Whether a job still works on it. */
export const isUnderWay = ({ work }: Pick<Series, 'work'>) => work !== null && (work.status === 'queued' || work.status === 'running');

export function SeriesPage() {
  const path = useRoute().params as { client_id: string; series_id: string };
  const { tenant } = useSession();
  const loaded = useLoad(async () => {
    const [client, series] = await Promise.all([call(api.GET('/practice/clients/{client_id}', { params: { path: { client_id: path.client_id } } })), call(api.GET('/practice/clients/{client_id}/series/{series_id}', { params: { path } }))]);
    return { client, series };
  }, [path.client_id, path.series_id]);
  useLooking(loaded.data !== null && isUnderWay(loaded.data.series), async () => {
    const known = loaded.data!;
    return known !== await loaded.refresh(async () => {
      const series = await callUnlessSame(api.GET('/practice/clients/{client_id}/series/{series_id}', { params: { path }, headers: unlessSame(known.series.etag) }));
      return series ? { ...known, series } : known;
    });
  });
  return (
    <Ready of={loaded} bones={<RecordBones />}>
      {({ client, series }) => (
        <>
          <Crumbs items={[[staff.clients.title, '/staff/clients'], [client.name, `/staff/clients/${path.client_id}/appointments`], words.crumb]} />
          <div class="stack g1"><Heading title={words.title}>{words.title}</Heading><p class="soft">{words.lead(words.every[series.every_weeks]!, zoneLabel(series.zone), series.made_by_name, brief(series.made_at, tenant.zone))}</p></div>
          <Progress work={series.work} failed={series.occurrences.filter((one) => one.why || one.unchanged).length} done={words.done} />
          <section class="card flush" aria-labelledby="times">
            <div class="cardhead"><h2 id="times">{words.times}</h2></div>
            <ol class="rows">{series.occurrences.map((one) => <li key={one.number}><Row client_id={path.client_id} one={one} zone={tenant.zone} /></li>)}</ol>
          </section>
        </>
      )}
    </Ready>
  );
}

/** How far the work on a series is; `failed`: how many times were not as they were to be. */
export function Progress({ work, failed, done, doneSome = words.doneSome }: { work: Series['work']; failed: number; done: string; doneSome?: (n: number) => string }) {
  if (!work) return null;
  if (isUnderWay({ work })) {
    return (
      <section class="card stack g2" aria-label={words.progress}>
        <progress max={work.total} value={work.done} aria-label={words.progress} />
        <p class="small num" role="status">{words.working(work.done, work.total)}</p>
      </section>
    );
  }
  return <div role="status"><Note tone={failed ? 'warn' : 'good'}>{failed ? doneSome(failed) : done}</Note></div>;
}

function Row({ client_id, one, zone }: { client_id: string; one: Occurrence; zone: string }) {
  const badge = one.status ? statusBadge({ status: one.status, late: one.late }) : null;
  const reason = one.why ?? one.unchanged;
  const inside = (
    <>
      <div class="stack g1"><p class="strong">{brief(one.starts_at, zone)}</p>{reason ? <p class="small soft">{one.unchanged ? words.unchanged(recurring.why(one.unchanged)) : recurring.why(reason)}</p> : null}</div>
      {badge ? <Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge> : <Badge tone={one.why ? 'warn' : 'plain'} hollow={!one.why}>{one.why ? words.notBooked : words.waiting}</Badge>}
    </>
  );
  if (!one.appointment_id) return <div class="row">{inside}</div>;
  return <a class="row" href={`/staff/clients/${client_id}/appointments/${one.appointment_id}`}>{inside}<Icon name="right" /></a>;
}

/** On the page of one appointment: the series that it belongs to. */
export function SeriesLink({ client_id, series_id }: { client_id: string; series_id: string }) {
  return <a href={seriesHref(client_id, series_id)}>{words.open}</a>;
}

/** Changing this appointment and all that follow it. */
export function Following({ client_id, one, reload }: { client_id: string; one: ClientAppointment; reload: () => Promise<void> }) {
  const { route } = useLocation();
  const [asking, setAsking] = useState<'move' | 'cancel' | null>(null);
  const [reason, setReason] = useState('');
  const [asked, setAsked] = useState(false);
  const key = useRef(newKey());
  const done = (series: Series) => route(seriesHref(client_id, series.series_id));
  const cancel = useAct(async () => {
    try {
      done(await call(api.POST('/practice/clients/{client_id}/appointments/{appointment_id}/following/cancellation', {
        params: { path: { client_id, appointment_id: one.appointment_id }, header: { 'If-Match': one.etag, 'Idempotency-Key': key.current } },
        body: { at_clients_request: asked, ...(reason.trim() ? { reason: reason.trim() } : {}) },
      })));
    } catch (cause) {
      if (!asProblem(cause).passing) { key.current = newKey(); void reload(); }
      throw cause;
    }
  });
  return (
    <>
      {asking === 'move' ? <MoveFollowing client_id={client_id} one={one} reload={reload} onDone={done} onClose={() => setAsking(null)} /> : (
        <div class="cluster g2">
          {one.status === 'confirmed' ? <Button icon="clock" onClick={() => setAsking('move')}>{words.moveAll}</Button> : null}
          <Button look="quiet" onClick={() => setAsking('cancel')}>{words.cancelAll}</Button>
        </div>
      )}
      <Dialog open={asking === 'cancel'} onClose={() => setAsking(null)} title={words.cancelTitle} actions={<><Button look="danger" busy={cancel.busy} onClick={() => void cancel.run()}>{words.cancel}</Button><Button onClick={() => setAsking(null)}>{calendar.one.keep}</Button></>}>
        <p>{words.cancelText}</p>
        <TextField label={calendar.one.reason} help={calendar.one.reasonHelp} optional rows={2} maxLength={1000} value={reason} onInput={setReason} />
        <Check checked={asked} onChange={setAsked}>{calendar.one.asked}<span class="small soft optionhelp">{calendar.one.askedHelp}</span></Check>
        <Failed problem={cancel.problem} />
      </Dialog>
    </>
  );
}

function MoveFollowing({ client_id, one, reload, onDone, onClose }: { client_id: string; one: ClientAppointment; reload: () => Promise<void>; onDone: (series: Series) => void; onClose: () => void }) {
  const { tenant } = useSession();
  const [day, setDay] = useState(dayKey(one.starts_at, tenant.zone));
  const [clock, setClock] = useState(clockOf(one.starts_at, tenant.zone));
  const [override, setOverride] = useState(false);
  const [told, setTold] = useState(false);
  const [check, setCheck] = useState<SeriesCheck | null>(null);
  const key = useRef({ body: '', key: '' });
  const starts_at = day && clock ? instantOf(day, clock, tenant.zone) : null;
  const moved = starts_at !== null && Date.parse(starts_at) !== Date.parse(one.starts_at);
  const past = moved && isPast(starts_at);
  const [turn, setTurn] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  useFaultFocus(form, turn);
  const path = { client_id, appointment_id: one.appointment_id };
  useEffect(() => {
    setCheck(null);
    if (!moved || past) return;
    let late = false;
    const timer = setTimeout(() => {
      call(api.POST('/practice/clients/{client_id}/appointments/{appointment_id}/following/check', { params: { path }, body: { starts_at } })).then((found) => { if (!late) setCheck(found); }, () => {});
    }, 300);
    return () => { late = true; clearTimeout(timer); };
  }, [starts_at]);
  const move = useAct(async () => {
    const body = { starts_at: starts_at!, override };
    const text = JSON.stringify([body, one.etag]);
    if (key.current.body !== text) key.current = { body: text, key: newKey() };
    try {
      onDone(await call(api.POST('/practice/clients/{client_id}/appointments/{appointment_id}/following/time', { params: { path, header: { 'If-Match': one.etag, 'Idempotency-Key': key.current.key } }, body })));
    } catch (cause) {
      if (!asProblem(cause).passing) void reload(); // somebody else may have been faster: show how it is now
      throw cause;
    }
  });
  const against = check?.times.filter((each) => each.finding !== 'free') ?? [];
  const stay = against.filter(isBlocked);
  const unticked = against.length > stay.length && !override;
  return (
    <form class="card stack g4" aria-labelledby="move-all" noValidate ref={form} onSubmit={(event) => { event.preventDefault(); setTurn(turn + 1); setTold(unticked); if (moved && !past && !unticked) void move.run(); }}>
      <div class="stack g1"><h2 id="move-all">{words.moveTitle}</h2><p class="small soft">{words.moveText}</p></div>
      <WhenFields id="move-all" missing={turn > 0} day={day} clock={clock} zone={tenant.zone} onDay={setDay} onClock={setClock} fault={turn && past ? words.pastShape : null} />
      <div class="stack g3" role="status">
        {past ? <Note tone="bad">{words.past}</Note> : null}
        {against.length ? (
          <Note tone="warn">{against.length > stay.length ? words.against(against.length) : words.stays(stay.length)}<ul class="dots">{against.map((each) => <li key={each.starts_at}>{brief(each.starts_at, tenant.zone)}: {recurring.why(each.finding)}</li>)}</ul></Note>
        ) : check ? <Note tone="good">{recurring.repeat.all(check.times.length)}</Note> : null}
      </div>
      {against.length > stay.length ? <Check checked={override} onChange={setOverride}>{words.override}</Check> : null}
      {told && unticked ? <p class="error" role="alert"><Icon name="alert" /><span>{words.tick}</span></p> : <Failed problem={move.problem} />}
      <div class="cluster g2"><Button type="submit" look="primary" busy={move.busy} aria-disabled={moved ? undefined : 'true'}>{check ? words.move(check.times.length - stay.length) : words.moveNow}</Button><Button look="quiet" onClick={onClose}>{calendar.one.keep}</Button></div>
    </form>
  );
}
