/** Groups that recur: how far the work on them is, every time with who has no place; and changing one with all that follow. */
import { useLocation, useRoute } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, call, callUnlessSame, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { calendar } from '../../strings/calendar.ts';
import { recurring } from '../../strings/recurring.ts';
import type { Group, GroupOccurrence, GroupSeries, GroupSeriesBody, GroupSeriesCheck, TimeLook } from '../../types.ts';
import { Badge, Button, Check, Dialog, Heading, Icon, Note, TextField, brief, clockOf, dayKey, instantOf, useAct, useLoad, zoneLabel } from '../../ui/index.ts';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';
import { groupHref, groupSeriesHref } from './entry.ts';
import { WhenFields, useFaultFocus } from './form.tsx';
import { unlessSame, useLooking } from './looking.ts';
import { ElsewhereList, isBlocked, isPast } from './repeat.tsx';
import { Progress, isUnderWay } from './series.tsx';

const words = recurring.groupSeries;
const shared = recurring.series;
const { group: groupWords } = recurring;

/** Every time of a series and everyone in it, as the server sees them; asked again whenever the series changes. */
export function useGroupSeriesCheck(therapist_id: string, body: GroupSeriesBody | null): GroupSeriesCheck | null {
  const [found, setFound] = useState<GroupSeriesCheck | null>(null);
  const text = JSON.stringify([therapist_id, body]);
  useEffect(() => {
    setFound(null);
    if (!body) return;
    let late = false;
    const timer = setTimeout(() => {
      call(api.POST('/practice/therapists/{therapist_id}/group-series/check', { params: { path: { therapist_id } }, body }))
        .then((check) => { if (!late) setFound(check); }, () => {}); // making it says what is wrong
    }, 300);
    return () => { late = true; clearTimeout(timer); };
  }, [text]);
  return found;
}

export function GroupSeriesPage() {
  const { staff_id, series_id } = useRoute().params as { staff_id: string; series_id: string };
  const { tenant } = useSession();
  const path = { therapist_id: staff_id, group_series_id: series_id };
  const loaded = useLoad(() => call(api.GET('/practice/therapists/{therapist_id}/group-series/{group_series_id}', { params: { path } })), [staff_id, series_id]);
  useLooking(loaded.data !== null && isUnderWay(loaded.data), async () => {
    const known = loaded.data!;
    return known !== await loaded.refresh(async () =>
      (await callUnlessSame(api.GET('/practice/therapists/{therapist_id}/group-series/{group_series_id}', { params: { path }, headers: unlessSame(known.etag) }))) ?? known);
  });
  return (
    <Ready of={loaded} bones={<RecordBones />} missing={{ title: words.missing, text: groupWords.missingText, go: { label: calendar.menu.title, href: '/staff/calendar' } }}>
      {(series) => (
        <>
          <Crumbs items={[[calendar.menu.title, '/staff/calendar'], words.crumb]} />
          <div class="stack g1"><Heading title={words.title}>{words.titleOf(series.service)}</Heading><p class="soft">{series.therapist ? words.withWhom(series.therapist) : ''}{shared.lead(shared.every[series.every_weeks]!, zoneLabel(series.zone), series.made_by_name, brief(series.made_at, tenant.zone))}</p></div>
          <Progress work={series.work} failed={series.occurrences.filter((one) => one.why || one.unchanged || one.absent.length).length} done={words.done} doneSome={words.doneSome} />
          <section class="card flush" aria-labelledby="times">
            <div class="cardhead"><h2 id="times">{shared.times}</h2></div>
            <ol class="rows">{series.occurrences.map((one) => <li key={one.number}><Row staff_id={staff_id} one={one} zone={tenant.zone} /></li>)}</ol>
          </section>
        </>
      )}
    </Ready>
  );
}

const whyOf = (code: string) => words.why[code] ?? recurring.why(code);

function Row({ staff_id, one, zone }: { staff_id: string; one: GroupOccurrence; zone: string }) {
  const inside = (
    <>
      <div class="stack g1">
        <p class="strong">{brief(one.starts_at, zone)}</p>
        {one.status === 'confirmed' ? <p class="small soft num">{words.of(one.taken, one.capacity)}</p> : null}
        {one.why ? <p class="small soft">{recurring.why(one.why)}</p> : null}
        {one.unchanged ? <p class="small soft">{shared.unchanged(whyOf(one.unchanged))}</p> : null}
        {one.absent.map((each, n) => <p class="small warnline" key={n}><Icon name="alert" /><span>{words.absent(each.client_name ?? groupWords.hidden, whyOf(each.why))}</span></p>)}
      </div>
      {one.status ? <Badge tone={one.status === 'confirmed' ? 'good' : 'plain'}>{groupWords.status[one.status]}</Badge> : <Badge tone={one.why ? 'warn' : 'plain'} hollow={!one.why}>{one.why ? shared.notBooked : shared.waiting}</Badge>}
    </>
  );
  if (!one.group_id) return <div class="row">{inside}</div>;
  return <a class="row" href={groupHref(staff_id, one.group_id)}>{inside}<Icon name="right" /></a>;
}

/** On the page of one group: changing it and all that follow it. */
export function FollowingGroups({ one, reload }: { one: Group; reload: () => Promise<void> }) {
  const { route } = useLocation();
  const [asking, setAsking] = useState<'move' | 'cancel' | null>(null);
  const [reason, setReason] = useState('');
  const key = useRef(newKey());
  const done = (series: GroupSeries) => route(groupSeriesHref(one.staff_id, series.series_id));
  const cancel = useAct(async () => {
    try {
      done(await call(api.POST('/practice/therapists/{therapist_id}/groups/{group_id}/following/cancellation', {
        params: { path: { therapist_id: one.staff_id, group_id: one.group_id }, header: { 'If-Match': one.etag, 'Idempotency-Key': key.current } }, body: reason.trim() ? { reason: reason.trim() } : {},
      })));
    } catch (cause) {
      if (!asProblem(cause).passing) { key.current = newKey(); void reload(); }
      throw cause;
    }
  });
  return (
    <>
      {asking === 'move' ? <MoveFollowing one={one} reload={reload} onDone={done} onClose={() => setAsking(null)} /> : (
        <div class="cluster g2">
          <Button icon="clock" onClick={() => setAsking('move')}>{words.moveAll}</Button>
          <Button look="quiet" onClick={() => setAsking('cancel')}>{words.cancelAll}</Button>
        </div>
      )}
      <Dialog open={asking === 'cancel'} onClose={() => setAsking(null)} title={words.cancelTitle} actions={<><Button look="danger" busy={cancel.busy} onClick={() => void cancel.run()}>{shared.cancel}</Button><Button onClick={() => setAsking(null)}>{groupWords.keep}</Button></>}>
        <p>{words.cancelText}</p>
        <TextField label={groupWords.reason} help={groupWords.reasonHelp} optional rows={2} maxLength={1000} value={reason} onInput={setReason} />
        <Failed problem={cancel.problem} />
      </Dialog>
    </>
  );
}

function MoveFollowing({ one, reload, onDone, onClose }: { one: Group; reload: () => Promise<void>; onDone: (series: GroupSeries) => void; onClose: () => void }) {
  const { tenant } = useSession();
  const [day, setDay] = useState(dayKey(one.starts_at, tenant.zone));
  const [clock, setClock] = useState(clockOf(one.starts_at, tenant.zone));
  const [override, setOverride] = useState(false);
  const [told, setTold] = useState(false);
  const [without, setWithout] = useState(false);
  const [check, setCheck] = useState<GroupSeriesCheck | null>(null);
  const key = useRef({ body: '', key: '' });
  const starts_at = day && clock ? instantOf(day, clock, tenant.zone) : null;
  const moved = starts_at !== null && Date.parse(starts_at) !== Date.parse(one.starts_at);
  const past = moved && isPast(starts_at);
  const [turn, setTurn] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  useFaultFocus(form, turn);
  const path = { therapist_id: one.staff_id, group_id: one.group_id };
  useEffect(() => {
    setCheck(null);
    if (!moved || past) return;
    let late = false;
    const timer = setTimeout(() => {
      call(api.POST('/practice/therapists/{therapist_id}/groups/{group_id}/following/check', { params: { path }, body: { starts_at } })).then((found) => { if (!late) setCheck(found); }, () => {});
    }, 300);
    return () => { late = true; clearTimeout(timer); };
  }, [starts_at]);
  const move = useAct(async () => {
    const body = { starts_at: starts_at!, override, without_busy: without };
    const text = JSON.stringify([body, one.etag]);
    if (key.current.body !== text) key.current = { body: text, key: newKey() };
    try {
      onDone(await call(api.POST('/practice/therapists/{therapist_id}/groups/{group_id}/following/time', { params: { path, header: { 'If-Match': one.etag, 'Idempotency-Key': key.current.key } }, body })));
    } catch (cause) {
      if (!asProblem(cause).passing) void reload(); // somebody else may have been faster: show how it is now
      throw cause;
    }
  });
  const times: TimeLook[] = check?.times ?? [];
  const against = times.filter((each) => each.finding !== 'free');
  const stay = against.filter(isBlocked);
  const unticked = against.length > stay.length && !override;
  const name = (id: string | null) => check?.people.find((each) => each.client_id === id)?.client_name ?? groupWords.hidden;
  const elsewhere = (look: TimeLook) => (check?.times.find((each) => each.starts_at === look.starts_at)?.busy ?? []).map(name);
  const busy = times.some((each) => elsewhere(each).length);
  return (
    <form class="card stack g4" aria-labelledby="move-all" noValidate ref={form} onSubmit={(event) => { event.preventDefault(); setTurn(turn + 1); setTold(unticked); if (moved && !past && !unticked) void move.run(); }}>
      <div class="stack g1"><h2 id="move-all">{words.moveAll}</h2><p class="small soft">{words.moveText}</p></div>
      <WhenFields id="move-all" missing={turn > 0} day={day} clock={clock} zone={tenant.zone} onDay={setDay} onClock={setClock} fault={turn && past ? shared.pastShape : null} />
      <div class="stack g3" role="status">
        {past ? <Note tone="bad">{shared.past}</Note> : null}
        {against.length ? (
          <Note tone="warn">{against.length > stay.length ? shared.against(against.length) : words.stays(stay.length)}<ul class="dots">{against.map((each) => <li key={each.starts_at}>{brief(each.starts_at, tenant.zone)}: {recurring.why(each.finding)}</li>)}</ul></Note>
        ) : check ? <Note tone="good">{recurring.repeat.all(times.length)}</Note> : null}
        <ElsewhereList times={times} zone={tenant.zone} elsewhere={elsewhere} />
      </div>
      {against.length > stay.length ? <Check checked={override} onChange={setOverride}>{shared.override}</Check> : null}
      {busy ? <Check checked={without} onChange={setWithout}>{words.without}</Check> : null}
      {told && unticked ? <p class="error" role="alert"><Icon name="alert" /><span>{shared.tick}</span></p> : <Failed problem={move.problem} />}
      <div class="cluster g2"><Button type="submit" look="primary" busy={move.busy} aria-disabled={moved ? undefined : 'true'}>{check ? words.move(times.length - stay.length) : shared.moveNow}</Button><Button look="quiet" onClick={onClose}>{groupWords.keep}</Button></div>
    </form>
  );
}
