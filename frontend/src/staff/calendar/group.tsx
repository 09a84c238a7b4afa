/** Group appointments: making one with several clients, and what staff see and do with it. */
import { useLocation, useRoute } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, BACKGROUND, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { calendar } from '../../strings/calendar.ts';
import { recurring } from '../../strings/recurring.ts';
import { scheduling } from '../../strings/scheduling.ts';
import type { ClientAppointment, Group, GroupCheck, GroupMember, GroupSeriesCheck, Offer, TimeLook } from '../../types.ts';
import { Badge, Button, Check, Dialog, Facts, Heading, Icon, LinkButton, Note, SelectField, TextField, addDays, clockOf, dayKey, instantOf, spoken, statusBadge, useAct, useLoad, whereOf, zoneLabel } from '../../ui/index.ts';
import { Born, MoreFound, useClientsFound } from '../finding.tsx';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';
import { groupHref, groupSeriesHref } from './entry.ts';
import { Checked, WhenFields, useFaultFocus } from './form.tsx';
import { FollowingGroups, useGroupSeriesCheck } from './groupseries.tsx';
import { useLooking } from './looking.ts';
import { ONCE, RepeatFields, SeriesLooks, bookable, endFault, leftOut, plan } from './repeat.tsx';

const words = recurring.group;
const MOST = 20;

interface Person { client_id: string; name: string }
type Wish = { service_id: string; mode: 'in_person' | 'telehealth'; location_id?: string; starts_at: string; minutes?: number; client_ids: string[]; moving?: string };

/** What speaks against a time, for the therapist and for everyone; asked again whenever it changes. */
function useGroupCheck(therapist_id: string, wish: Wish | null): GroupCheck | null {
  const [found, setFound] = useState<GroupCheck | null>(null);
  const text = JSON.stringify([therapist_id, wish]);
  useEffect(() => {
    setFound(null);
    if (!wish) return;
    let late = false;
    const timer = setTimeout(() => {
      call(api.POST('/practice/therapists/{therapist_id}/groups/check', { params: { path: { therapist_id } }, body: { ...wish, capacity: MOST, override: false } }))
        .then((check) => { if (!late) setFound(check); }, () => {}); // making it says what is wrong
    }, 300);
    return () => { late = true; clearTimeout(timer); };
  }, [text]);
  return found;
}

/** Clients of a therapist, found by name; a name never goes into the address. */
function Picker({ id, therapist_id, without, onPick, busy }: { id: string; therapist_id: string; without: string[]; onPick: (one: Person) => void; busy?: boolean }) {
  const [typed, setTyped] = useState('');
  const found = useClientsFound(typed, therapist_id);
  const { rows, more, problem } = found;
  const shown = (rows ?? []).filter((one) => !without.includes(one.client_id));
  // The button goes with its row: the cursor goes on to the next one, or to where others are found.
  const pick = (one: Person, row: Element | null) => {
    const next = (row?.nextElementSibling ?? row?.previousElementSibling)?.querySelector('button') ?? document.getElementById(id);
    onPick(one);
    next?.focus();
  };
  return (
    <div class="stack g3">
      <TextField id={id} label={words.find} type="search" value={typed} onInput={setTyped} />
      <Failed problem={problem} />
      {shown.length ? (
        <ul class="picked">
          {shown.map((one) => <li key={one.client_id} class="split"><span>{one.name} <Born of={one} /></span><Button mini icon="plus" busy={busy} onClick={(event) => pick({ client_id: one.client_id, name: one.name }, event.currentTarget.closest('li'))}>{words.add}<span class="hidden">{words.addOf(one.name)}</span></Button></li>)}
        </ul>
      ) : rows && !more && !found.others && !problem ? <p class="small soft" role="status">{words.none}</p> : null}
      <MoreFound of={found} />
    </div>
  );
}

export function NewGroupPage() {
  const { tenant, person, roles } = useSession();
  const today = dayKey(new Date(), tenant.zone);
  const loaded = useLoad(async () => {
    const [offer, whose] = await Promise.all([call(api.GET('/practice/offer')), call(api.GET('/practice/calendar', { params: { query: { first_day: today, last_day: today } } }))]);
    return { offer, therapists: whose.items.map((one): [string, string] => [one.staff_id, one.name]) };
  }, [person.id]);
  return (
    <>
      <Crumbs items={[[calendar.menu.title, '/staff/calendar'], words.title]} />
      <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>
      <Ready of={loaded} bones={<RecordBones />} heading={false}>
        {({ offer, therapists }) => !therapists.length ? <Note tone="info">{calendar.page.noTherapists}</Note> : offer.services.length
          ? <NewForm offer={offer} therapists={therapists} />
          : <Note tone="info" action={roles.includes('administrator') ? <LinkButton mini href="/staff/services">{calendar.form.toOffer}</LinkButton> : undefined}>{calendar.form.noServices}</Note>}
      </Ready>
    </>
  );
}

const form = calendar.form;

function NewForm({ offer, therapists }: { offer: Offer; therapists: [string, string][] }) {
  const { tenant, person } = useSession();
  const { route, query } = useLocation();
  const [therapist_id, setStaff] = useState((therapists.find(([id]) => id === query['staff']) ?? therapists.find(([id]) => id === person.id) ?? therapists[0]!)[0]);
  const [service_id, setService] = useState(offer.services[0]!.service_id);
  const places: [string, string][] = offer.locations.length ? offer.locations.map((one) => [one.location_id, scheduling.at(one.name)]) : [['in_person', scheduling.mode.in_person]];
  const [where, setWhere] = useState(places[0]![0]);
  const [day, setDay] = useState(/^\d{4}-\d\d-\d\d$/.test(query['day'] ?? '') ? query['day']! : addDays(dayKey(new Date(), tenant.zone), 1));
  const [clock, setClock] = useState(/^\d\d:\d\d$/.test(query['at'] ?? '') ? query['at']! : '');
  const [minutes, setMinutes] = useState('');
  const [capacity, setCapacity] = useState('8');
  const [people, setPeople] = useState<Person[]>([]);
  const [override, setOverride] = useState(false);
  const [turn, setTurn] = useState(0);
  const sheet = useRef<HTMLFormElement>(null);
  useFaultFocus(sheet, turn);
  const key = useRef({ body: '', key: '' });
  const service = offer.services.find((one) => one.service_id === service_id)!;
  const whole = (text: string, from: number, to: number) => /^\d{1,3}$/.test(text.trim()) && Number(text) >= from && Number(text) <= to;
  const badMinutes = minutes.trim() !== '' && !whole(minutes, 5, 480);
  const badCapacity = !whole(capacity, 2, MOST);
  const tooMany = !badCapacity && people.length > Number(capacity);
  const way = where === 'telehealth' || where === 'in_person' ? { mode: where as 'telehealth' | 'in_person' } : { mode: 'in_person' as const, location_id: where };
  const wish: Wish | null = day && clock && !badMinutes
    ? { service_id, ...way, starts_at: instantOf(day, clock, tenant.zone), client_ids: people.map((one) => one.client_id), ...(minutes.trim() ? { minutes: Number(minutes) } : {}) }
    : null;
  const [repeat, setRepeat] = useState(ONCE);
  const [nevertheless, setNevertheless] = useState<string[]>([]);
  const badEnd = endFault(repeat, day);
  const many = wish && repeat.every && !badEnd ? { ...wish, capacity: MOST, ...plan(repeat), override: false, leave_out: [] } : null;
  const check = useGroupCheck(therapist_id, repeat.every ? null : wish);
  const looks = useGroupSeriesCheck(therapist_id, many);
  const problem = (client_id: string) => (repeat.every ? looks : check)?.people.find((one) => one.client_id === client_id)?.problem ?? null;
  const elsewhere = (look: TimeLook) => ((look as GroupSeriesCheck['times'][number]).busy ?? []).map((id) => people.find((one) => one.client_id === id)?.name ?? words.hidden);
  const makeAll = useAct(async () => {
    const body = { ...many!, capacity: Number(capacity), override: nevertheless.length > 0, leave_out: looks ? leftOut(looks, nevertheless) : [] };
    const text = JSON.stringify([therapist_id, body]);
    if (key.current.body !== text) key.current = { body: text, key: newKey() };
    const made = await call(api.POST('/practice/therapists/{therapist_id}/group-series', { params: { path: { therapist_id }, header: { 'Idempotency-Key': key.current.key } }, body }));
    route(groupSeriesHref(therapist_id, made.series_id), true);
  });
  const make = useAct(async () => {
    const body = { ...wish!, capacity: Number(capacity), override };
    const text = JSON.stringify([therapist_id, body]);
    if (key.current.body !== text) key.current = { body: text, key: newKey() };
    const made = await call(api.POST('/practice/therapists/{therapist_id}/groups', { params: { path: { therapist_id }, header: { 'Idempotency-Key': key.current.key } }, body }));
    route(`${groupHref(therapist_id, made.group_id)}?done=made`, true);
  });
  const none = many !== null && looks !== null && bookable(looks, nevertheless) === 0;
  const fault = badMinutes ? form.minutesShape : badCapacity ? words.capacityShape : tooMany ? words.tooMany : !wish ? form.enter : badEnd ?? (none ? recurring.repeat.noneChosen : '');
  const submit = () => {
    setTurn(turn + 1);
    if (!fault) void (repeat.every ? makeAll : make).run();
  };
  const wrong = turn ? fault : '';
  return (
    <form class="card stack g5 narrow" ref={sheet} noValidate onSubmit={(event) => { event.preventDefault(); submit(); }}>
      {therapists.length > 1 ? <SelectField id="therapist" label={form.therapist} value={therapist_id} options={therapists} onChange={(next) => { setStaff(next); setPeople([]); }} /> : null}
      <div class="fieldgrid">
        <SelectField id="service" label={form.service} value={service_id} options={offer.services.map((one): [string, string] => [one.service_id, `${one.name}, ${one.minutes} min`])} onChange={setService} />
        <SelectField id="where" label={form.where} value={where} options={[...places, ['telehealth', scheduling.mode.telehealth]]} onChange={setWhere} />
      </div>
      <WhenFields id="new" missing={turn > 0} day={day} clock={clock} zone={tenant.zone} onDay={setDay} onClock={setClock} />
      <div class="fieldgrid">
        <TextField id="minutes" label={form.minutes} optional inputMode="numeric" short value={minutes} help={form.minutesHelp(service.minutes)} onInput={setMinutes} error={badMinutes ? form.minutesShape : null} />
        <TextField id="capacity" label={words.capacity} inputMode="numeric" short value={capacity} help={words.capacityHelp} onInput={setCapacity} error={turn && badCapacity ? words.capacityShape : null} />
      </div>
      <RepeatFields value={repeat} onChange={setRepeat} fault={turn && badEnd ? badEnd : null} />
      {repeat.every
        ? <SeriesLooks check={looks} asked={many !== null} zone={tenant.zone} nevertheless={nevertheless} onNevertheless={setNevertheless} elsewhere={elsewhere} />
        : <Checked check={check} override={override} onOverride={setOverride} />}
      <section class="stack g3" aria-labelledby="people">
        <div class="split"><h2 id="people">{words.clients}</h2><span class="small soft num" role="status">{badCapacity ? '' : words.chosen(people.length, Number(capacity))}</span></div>
        {people.length ? (
          <ul class="picked">
            {people.map((one) => (
              <li key={one.client_id} class="split">
                <span class="stack g1"><span class="strong">{one.name}</span>{problem(one.client_id) ? <span class="small warnline"><Icon name="alert" />{words.problem[problem(one.client_id)!]}</span> : null}</span>
                <Button mini look="quiet" icon="bin" onClick={() => { setPeople(people.filter((each) => each.client_id !== one.client_id)); document.getElementById('find')?.focus(); }}>{words.takeOff}<span class="hidden">{words.addOf(one.name)}</span></Button>
              </li>
            ))}
          </ul>
        ) : <p class="small soft">{words.nobody}</p>}
        {check?.people.some((one) => one.problem === 'client_busy') ? <p class="small soft">{words.busyHelp}</p> : null}
        {people.length < MOST ? <Picker id="find" therapist_id={therapist_id} without={people.map((one) => one.client_id)} onPick={(one) => setPeople([...people, one])} /> : null}
      </section>
      {wrong ? <p class="error" role="alert"><Icon name="alert" /><span>{wrong}</span></p> : null}
      <Failed problem={repeat.every ? makeAll.problem : make.problem} />
      <div><Button type="submit" look="primary" busy={make.busy || makeAll.busy}>{repeat.every && looks && bookable(looks, nevertheless) ? recurring.repeat.bookGroups(bookable(looks, nevertheless)) : words.make}</Button></div>
    </form>
  );
}

/* ---------- one group ---------- */

export function GroupPage() {
  const { staff_id, group_id } = useRoute().params as { staff_id: string; group_id: string };
  const { query } = useLocation();
  const path = { therapist_id: staff_id, group_id };
  const loaded = useLoad(() => call(api.GET('/practice/therapists/{therapist_id}/groups/{group_id}', { params: { path } })), [staff_id, group_id]);
  const [told, setTold] = useState(query['done'] === 'made' ? words.told.made : '');
  useLooking(loaded.data?.working === true, async () => {
    // Only whether it goes on: who takes part is read, and audited, once that has ended.
    const { working } = await call(api.GET('/practice/therapists/{therapist_id}/groups/{group_id}/work', { params: { path }, headers: BACKGROUND }));
    if (!working) await loaded.reload();
    return !working;
  });
  return (
    <Ready of={loaded} bones={<RecordBones />} missing={{ title: words.missing, text: words.missingText, go: { label: calendar.menu.title, href: '/staff/calendar' } }}>
      {(one) => (
        <>
          <Crumbs items={[[calendar.menu.title, '/staff/calendar'], words.crumb]} />
          <div class="cluster g3"><Heading title={words.crumb}>{one.service}</Heading><Badge tone={one.status === 'confirmed' ? 'good' : 'plain'}>{words.status[one.status]}</Badge></div>
          <div role="status">{one.working ? <Note tone="info" icon="clock">{words.working}</Note> : told ? <Note tone="good">{told}</Note> : null}</div>
          <One one={one} put={(next, text) => { loaded.put(next); setTold(text); }} reload={loaded.reload} />
        </>
      )}
    </Ready>
  );
}

interface OneProps { one: Group; put: (next: Group, told: string) => void; reload: () => Promise<void> }

function One(props: OneProps) {
  const { one, put, reload } = props;
  const { tenant } = useSession();
  const [asking, setAsking] = useState<'move' | 'cancel' | 'size' | null>(null);
  const facts: [string, preact.ComponentChildren][] = [
    [words.facts.when, `${spoken(one, tenant.zone)}, ${zoneLabel(tenant.zone, new Date(one.starts_at))}`], [words.facts.who, one.therapist], [words.facts.what, one.service], [words.facts.where, whereOf(one)],
  ];
  if (one.status === 'confirmed') facts.push([words.facts.places, words.of(one.taken, one.capacity)]);
  if (one.before || one.after) facts.push([words.facts.buffers, calendar.one.buffers(one.before, one.after)]);
  if (one.series_id) facts.push([words.series, <a href={groupSeriesHref(one.staff_id, one.series_id)}>{words.openSeries}</a>]);
  const live = one.status === 'confirmed';
  const begun = Date.parse(one.starts_at) <= Date.now();
  return (
    <>
      <div class="card"><Facts rows={facts} /></div>
      {!live ? null : asking === 'move' ? <MoveGroup one={one} reload={reload} onMoved={(next) => { setAsking(null); put(next, words.told.moved); }} onClose={() => setAsking(null)} /> : (
        <div class="cluster g2">
          {begun ? null : <Button icon="clock" onClick={() => setAsking('move')}>{words.move}</Button>}
          <Button onClick={() => setAsking('size')}>{words.resize}</Button>
          <Button look="quiet" onClick={() => setAsking('cancel')}>{words.cancel}</Button>
        </div>
      )}
      {live && one.series_id && asking !== 'move' ? <FollowingGroups one={one} reload={reload} /> : null}
      <section class="card flush" aria-labelledby="people">
        <div class="cardhead"><h2 id="people">{words.people}</h2></div>
        {one.members.length ? <ul class="rows">{one.members.map((each, n) => <Member key={each.client_id ?? n} group={one} one={each} begun={begun} put={put} reload={reload} />)}</ul> : <p class="inset soft small">{words.nobodyYet}</p>}
      </section>
      {live ? <Add one={one} put={put} /> : null}
      {asking === 'size' ? <Resize one={one} onClose={() => setAsking(null)} onDone={(next) => { setAsking(null); put(next, words.told.resized); }} reload={reload} /> : null}
      <CancelGroup open={asking === 'cancel'} one={one} onClose={() => setAsking(null)} onDone={(next) => { setAsking(null); put(next, words.told.cancelled); }} reload={reload} />
    </>
  );
}

function stateOf(one: GroupMember): { tone: 'good' | 'warn' | 'plain'; word: string } {
  if (one.following) return { tone: 'plain', word: words.following };
  if (one.status === 'completed') return { tone: 'good', word: words.completed };
  if (one.status === 'no_show') return { tone: 'warn', word: words.noShow };
  if (one.status === 'cancelled') return one.late ? { tone: 'warn', word: words.late } : { tone: 'plain', word: one.ended_by === 'client' ? words.byClient : one.why && one.why !== 'cancelled' ? words.state['out']! : statusBadge({ status: 'cancelled', late: false }).word };
  return { tone: one.state === 'in' ? 'good' : one.state === 'out' ? 'warn' : 'plain', word: words.state[one.state]! };
}

interface MemberProps { group: Group; one: GroupMember; begun: boolean; put: OneProps['put']; reload: OneProps['reload'] }

function Member({ group, one, begun, put, reload }: MemberProps) {
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const [asked, setAsked] = useState(false);
  const [following, setFollowing] = useState(false);
  const { route } = useLocation();
  const key = useRef(newKey());
  const name = one.client_name ?? words.hidden;
  const state = stateOf(one);
  const path = { client_id: one.client_id ?? '', appointment_id: one.appointment_id ?? '' };
  const again = async (told: string) => put(await call(api.GET('/practice/therapists/{therapist_id}/groups/{group_id}', { params: { path: { therapist_id: group.staff_id, group_id: group.group_id } } })), told);
  const act = useAct(async (send: () => Promise<ClientAppointment>, told: string) => {
    try {
      await send();
      key.current = newKey();
      setAsking(false);
      await again(told);
    } catch (cause) {
      if (!asProblem(cause).passing) { key.current = newKey(); void reload(); }
      throw cause;
    }
  });
  const settle = (status: 'completed' | 'no_show') => act.run(() => call(api.POST('/practice/clients/{client_id}/appointments/{appointment_id}/outcome', { params: { path, header: { 'If-Match': one.etag! } }, body: { status } })), words.told.settled);
  const takeOut = () => act.run(() => call(api.POST('/practice/clients/{client_id}/appointments/{appointment_id}/cancellation', {
    params: { path, header: { 'If-Match': one.etag!, 'Idempotency-Key': key.current } }, body: { at_clients_request: asked, ...(reason.trim() ? { reason: reason.trim() } : {}) },
  })), words.told.out);
  const leaving = useRef({ body: '', key: '' });
  const leave = useAct(async () => {
    const body = { client_id: one.client_id!, at_clients_request: asked, ...(reason.trim() ? { reason: reason.trim() } : {}) };
    const text = JSON.stringify([body, group.etag]);
    if (leaving.current.body !== text) leaving.current = { body: text, key: newKey() };
    const series = await call(api.POST('/practice/therapists/{therapist_id}/groups/{group_id}/following/removal', {
      params: { path: { therapist_id: group.staff_id, group_id: group.group_id }, header: { 'Idempotency-Key': leaving.current.key } }, body,
    }));
    route(groupSeriesHref(group.staff_id, series.series_id));
  });
  const there = one.client_id !== null && one.appointment_id !== null && ['confirmed', 'completed', 'no_show'].includes(one.status ?? '') && !one.following;
  return (
    <li class="news">
      <div class="stack g1">
        <p class="strong">{one.client_id && one.appointment_id ? <a href={`/staff/clients/${one.client_id}/appointments/${one.appointment_id}`}>{name}</a> : name}</p>
        <p class="cluster g2"><Badge tone={state.tone} hollow={one.state === 'joining'}>{state.word}</Badge>{one.why && one.why !== 'cancelled' ? <span class="small soft">{recurring.why(one.why)}</span> : null}</p>
        {asking ? null : <Failed problem={act.problem} />}
      </div>
      {there ? (
        <div class="news-acts">
          {begun && one.status !== 'completed' ? <Button mini icon="check" busy={act.busy} onClick={() => void settle('completed')}>{words.completed}<span class="hidden">{words.takeOutOf(name)}</span></Button> : null}
          {begun && one.status !== 'no_show' ? <Button mini busy={act.busy} onClick={() => void settle('no_show')}>{words.noShow}<span class="hidden">{words.takeOutOf(name)}</span></Button> : null}
          {one.status === 'confirmed' ? <Button mini look="quiet" onClick={() => setAsking(true)}>{words.takeOut}<span class="hidden">{words.takeOutOf(name)}</span></Button> : null}
        </div>
      ) : null}
      <Dialog open={asking} onClose={() => setAsking(false)} title={words.takeOutTitle(name)} actions={<><Button look="danger" busy={act.busy || leave.busy} onClick={() => void (following ? leave.run() : takeOut())}>{words.takeOutNow}</Button><Button onClick={() => setAsking(false)}>{words.keepIn}</Button></>}>
        <p>{following ? words.takeOutFollowing : words.takeOutText}</p>
        {group.series_id ? <Scope following={following} onChange={setFollowing} name={`leave-${one.client_id}`} /> : null}
        <TextField label={words.reason} help={words.reasonHelp} optional rows={2} maxLength={1000} value={reason} onInput={setReason} />
        <Check checked={asked} onChange={setAsked}>{calendar.one.asked}<span class="small soft optionhelp">{calendar.one.askedHelp}</span></Check>
        <Failed problem={following ? leave.problem : act.problem} />
      </Dialog>
    </li>
  );
}

/** Whether something is meant for one group of a series, or for those that follow, too. */
function Scope({ following, onChange, name }: { following: boolean; onChange: (following: boolean) => void; name: string }) {
  return (
    <fieldset class="stack g2">
      <legend class="hidden">{words.scope}</legend>
      {[false, true].map((each) => <label class="check" key={String(each)}><input type="radio" name={name} checked={following === each} onChange={() => onChange(each)} /><span>{each ? words.thisAndFollowing : words.onlyThis}</span></label>)}
    </fieldset>
  );
}

function Add({ one, put }: Pick<OneProps, 'one' | 'put'>) {
  const { route } = useLocation();
  const [following, setFollowing] = useState(false);
  const key = useRef({ body: '', key: '' });
  const add = useAct(async (person: Person) => {
    const text = JSON.stringify([person.client_id, one.etag, following]);
    if (key.current.body !== text) key.current = { body: text, key: newKey() };
    const sent = { params: { path: { therapist_id: one.staff_id, group_id: one.group_id }, header: { 'Idempotency-Key': key.current.key } }, body: { client_id: person.client_id } };
    if (following) {
      const series = await call(api.POST('/practice/therapists/{therapist_id}/groups/{group_id}/following/members', sent));
      return route(groupSeriesHref(one.staff_id, series.series_id));
    }
    const next = await call(api.POST('/practice/therapists/{therapist_id}/groups/{group_id}/members', sent));
    put(next, words.added(person.name));
  });
  const inside = one.members.filter((each) => each.state !== 'out').map((each) => each.client_id ?? '');
  return (
    <section class="card stack g3" aria-labelledby="add">
      <h2 id="add">{words.addTitle}</h2>
      {one.series_id ? <Scope following={following} onChange={setFollowing} name="add-to" /> : null}
      {one.taken >= one.capacity && !following ? <p class="small soft">{words.full}</p> : <Picker id="add-find" therapist_id={one.staff_id} without={inside} busy={add.busy} onPick={(person) => void add.run(person)} />}
      <Failed problem={add.problem} />
    </section>
  );
}

function Resize({ one, onClose, onDone, reload }: { one: Group; onClose: () => void; onDone: (next: Group) => void; reload: () => Promise<void> }) {
  const [typed, setTyped] = useState(String(one.capacity));
  const [wrong, setWrong] = useState('');
  const [following, setFollowing] = useState(false);
  const { route } = useLocation();
  const key = useRef({ body: '', key: '' });
  const least = Math.max(2, one.taken);
  const save = useAct(async () => {
    try {
      if (following) {
        const text = JSON.stringify([typed, one.etag]);
        if (key.current.body !== text) key.current = { body: text, key: newKey() };
        const series = await call(api.POST('/practice/therapists/{therapist_id}/groups/{group_id}/following/capacity', { params: { path: { therapist_id: one.staff_id, group_id: one.group_id }, header: { 'If-Match': one.etag, 'Idempotency-Key': key.current.key } }, body: { capacity: Number(typed) } }));
        return route(groupSeriesHref(one.staff_id, series.series_id));
      }
      onDone(await call(api.PATCH('/practice/therapists/{therapist_id}/groups/{group_id}', { params: { path: { therapist_id: one.staff_id, group_id: one.group_id }, header: { 'If-Match': one.etag } }, body: { capacity: Number(typed) } })));
    } catch (cause) {
      if (!asProblem(cause).passing) void reload();
      throw cause;
    }
  });
  const submit = () => {
    const good = /^\d{1,2}$/.test(typed.trim()) && Number(typed) >= least && Number(typed) <= MOST;
    setWrong(good ? '' : words.resizeShape(least));
    if (good) void save.run();
  };
  return (
    <Dialog open onClose={onClose} title={words.resizeTitle} actions={<><Button look="primary" busy={save.busy} onClick={submit}>{words.resizeNow}</Button><Button onClick={onClose}>{words.notNow}</Button></>}>
      <TextField label={words.capacity} short inputMode="numeric" value={typed} help={words.resizeHelp(one.taken)} error={wrong || null} onInput={setTyped} />
      {one.series_id ? <Scope following={following} onChange={setFollowing} name="places-of" /> : null}
      <Failed problem={save.problem} />
    </Dialog>
  );
}

function MoveGroup({ one, reload, onMoved, onClose }: { one: Group; reload: () => Promise<void>; onMoved: (next: Group) => void; onClose: () => void }) {
  const { tenant } = useSession();
  const [day, setDay] = useState(dayKey(one.starts_at, tenant.zone));
  const [clock, setClock] = useState(clockOf(one.starts_at, tenant.zone));
  const [override, setOverride] = useState(false);
  const [without, setWithout] = useState(false);
  const key = useRef({ body: '', key: '' });
  const starts_at = day && clock ? instantOf(day, clock, tenant.zone) : null;
  const moved = starts_at !== null && Date.parse(starts_at) !== Date.parse(one.starts_at);
  const minutes = Math.round((Date.parse(one.ends_at) - Date.parse(one.starts_at)) / 60_000);
  const client_ids = one.members.filter((each) => each.state !== 'out' && each.client_id).map((each) => each.client_id!);
  const check = useGroupCheck(one.staff_id, moved ? { service_id: one.service_id, mode: one.mode, ...(one.location_id ? { location_id: one.location_id } : {}), starts_at, minutes, client_ids, moving: one.group_id } : null);
  const busy = check?.people.filter((each) => each.problem === 'client_busy') ?? [];
  const move = useAct(async () => {
    const body = { starts_at: starts_at!, override, without_busy: without };
    const text = JSON.stringify([body, one.etag]);
    if (key.current.body !== text) key.current = { body: text, key: newKey() };
    try {
      onMoved(await call(api.POST('/practice/therapists/{therapist_id}/groups/{group_id}/time', {
        params: { path: { therapist_id: one.staff_id, group_id: one.group_id }, header: { 'If-Match': one.etag, 'Idempotency-Key': key.current.key } }, body,
      })));
    } catch (cause) {
      if (!asProblem(cause).passing) void reload(); // somebody else may have been faster: show how it is now
      throw cause;
    }
  });
  return (
    <form class="card stack g4" aria-labelledby="move" noValidate onSubmit={(event) => { event.preventDefault(); if (moved) void move.run(); }}>
      <h2 id="move">{words.moveTitle}</h2>
      <WhenFields id="move" day={day} clock={clock} zone={tenant.zone} onDay={setDay} onClock={setClock} />
      <Checked check={check} override={override} onOverride={setOverride} />
      {busy.length ? (
        <>
          <Note tone="warn">{words.busyThen}<ul class="dots">{busy.map((each, n) => <li key={each.client_id ?? n}>{each.client_name ?? words.hidden}</li>)}</ul></Note>
          <Check checked={without} onChange={setWithout}>{words.without(busy.length)}</Check>
        </>
      ) : null}
      <Failed problem={move.problem} />
      <div class="cluster g2"><Button type="submit" look="primary" busy={move.busy} aria-disabled={moved ? undefined : 'true'}>{words.move}</Button><Button look="quiet" onClick={onClose}>{words.keep}</Button></div>
    </form>
  );
}

function CancelGroup({ open, one, onClose, onDone, reload }: { open: boolean; one: Group; onClose: () => void; onDone: (next: Group) => void; reload: () => Promise<void> }) {
  const [reason, setReason] = useState('');
  const key = useRef(newKey());
  const cancel = useAct(async () => {
    try {
      onDone(await call(api.POST('/practice/therapists/{therapist_id}/groups/{group_id}/cancellation', {
        params: { path: { therapist_id: one.staff_id, group_id: one.group_id }, header: { 'If-Match': one.etag, 'Idempotency-Key': key.current } }, body: reason.trim() ? { reason: reason.trim() } : {},
      })));
    } catch (cause) {
      if (!asProblem(cause).passing) { key.current = newKey(); void reload(); }
      throw cause;
    }
  });
  return (
    <Dialog open={open} onClose={onClose} title={words.cancelTitle} actions={<><Button look="danger" busy={cancel.busy} onClick={() => void cancel.run()}>{words.cancel}</Button><Button onClick={onClose}>{words.keep}</Button></>}>
      <p>{words.cancelText}</p>
      <TextField label={words.reason} help={words.reasonHelp} optional rows={2} maxLength={1000} value={reason} onInput={setReason} />
      <Failed problem={cancel.problem} />
    </Dialog>
  );
}
