/** One staff member: the account, what they may do, and whom they treat. */
import { useLocation, useRoute } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, call, newKey, type Problem } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { organization } from '../../strings/organization.ts';
import { staff } from '../../strings/staff.ts';
import type { ClientPage, ClientRow, StaffMember } from '../../types.ts';
import { Avatar, Button, Dialog, Heading, initials, Note, TextField, useAct, useEdits, useLoad, type Loaded } from '../../ui/index.ts';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';
import { momentInSentence } from '../when.ts';
import { RightsFields, shown, STAFF, StatusBadge, type Rights } from './people.tsx';

const words = organization.person;

export function StaffPerson() {
  const { staff_id } = useRoute().params as { staff_id: string };
  const found = useLoad(() => call(api.GET('/practice/staff/{staff_id}', { params: { path: { staff_id } } })), [staff_id]);
  return (
    <Ready of={found} bones={<RecordBones />} missing={{ title: words.missing, text: words.missingText }}>
      {(member) => <Person key={staff_id} member={member} of={found} />}
    </Ready>
  );
}

function Person({ member, of }: { member: StaffMember; of: Loaded<StaffMember> }) {
  const { tenant } = useSession();
  const [told, setTold] = useState<string | null>(null);
  return (
    <>
      <div class="stack g4">
        <Crumbs items={[organization.crumb, [organization.people.title, STAFF], shown(member)]} />
        <div class="person">
          <Avatar letters={initials(member.name)} size="l" />
          <div class="stack g1">
            <div class="cluster g3"><Heading>{shown(member)}</Heading><StatusBadge member={member} /></div>
            <p class="soft">{member.email}</p>
            <p class="small soft">
              {member.joined_at ? words.joined(momentInSentence(member.joined_at, tenant.zone)) : member.invited_at ? words.invitedBy(momentInSentence(member.invited_at, tenant.zone), member.invited_by_name) : ''}
              {member.link_ends_at && ` ${member.link_over ? words.over : words.ends(momentInSentence(member.link_ends_at, tenant.zone))}`}
            </p>
          </div>
        </div>
      </div>
      {told && <Note tone="good" live>{told}</Note>}
      <div class="beside">
        <div class="stack g4">
          <Details member={member} of={of} onTold={setTold} />
          <Caseload member={member} />
        </div>
        <aside class="stack g4">
          <Account member={member} of={of} onTold={setTold} />
          <section class="card stack g3" aria-labelledby="seat">
            <h2 id="seat">{words.seat}</h2>
            <p class="small">{member.seat ? words.seatOn : words.seatOff}</p>
            <a class="small" href="/staff/organization/client-portal/subscription">{words.seatLink}</a>
          </section>
        </aside>
      </div>
    </>
  );
}

interface Part { member: StaffMember; of: Loaded<StaffMember>; onTold: (text: string | null) => void }

interface Draft { name: string; credentials: string; rights: Rights }

function begun({ name, credentials, roles, may_invite, may_bill }: StaffMember): Draft {
  return { name, credentials: credentials ?? '', rights: { roles, may_invite, may_bill } };
}

function Details({ member, of, onTold }: Part) {
  const fields = organization.invite;
  const { draft, change, dirty, take } = useEdits(member, begun, { onAnew: () => { setFaults({}); act.clear(); } });
  const { name, credentials, rights } = draft;
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [stale, setStale] = useState<string | null>(null); // the etag of what somebody else made of it
  const act = useAct(async () => {
    const body = { name: name.trim(), credentials: credentials.trim(), ...rights, roles: rights.roles as ('administrator' | 'therapist')[] };
    try {
      const next = await call(api.PATCH('/practice/staff/{staff_id}', { params: { path: { staff_id: member.staff_id }, header: { 'If-Match': member.etag } }, body }));
      const all = take(draft, next);
      if (all !== null) of.put(next);
      onTold(all === false ? null : words.saved);
    } catch (cause) {
      if (asProblem(cause).status !== 412) throw cause;
      const theirs = await of.refresh(() => call(api.GET('/practice/staff/{staff_id}', { params: { path: { staff_id: member.staff_id } } })));
      setStale(theirs?.etag ?? null);
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    onTold(null);
    setStale(null);
    const found: Record<string, string> = {};
    if (name.trim().length < 2) found.name = fields.faults.name!;
    if (!rights.roles.length) found.roles = fields.faults.roles!;
    setFaults(found);
    if (!Object.keys(found).length) void act.run();
  };
  return (
    <form class="card stack g5" aria-labelledby="details" noValidate onSubmit={submit}>
      <h2 id="details">{words.details}</h2>
      {stale === member.etag && <Note tone="warn" live>{words.stale}</Note>}
      {member.last_administrator && <Note tone="info" icon="lock">{words.last}</Note>}
      <TextField id="i-name" label={fields.name} maxLength={100} required autocomplete="off" value={name} error={faults.name} onInput={(next) => change({ name: next })} />
      <TextField label={fields.credentials} help={fields.credentialsHelp} optional maxLength={40} short value={credentials} onInput={(next) => change({ credentials: next })} />
      <RightsFields rights={rights} error={faults.roles} onChange={(next) => change({ rights: next })} />
      <Failed problem={act.problem} />
      <div class="cluster g3"><Button type="submit" look="primary" busy={act.busy} busyLabel={words.saving}>{words.save}</Button><span class="small soft" role="status">{dirty ? staff.unsaved : ''}</span></div>
    </form>
  );
}

type Question = 'revoke' | 'reset' | 'disable';

function Account({ member, of, onTold }: Part) {
  const { person } = useSession();
  const { route } = useLocation();
  const [asked, setAsked] = useState<Question | null>(null);
  const path = { path: { staff_id: member.staff_id } };
  const own = member.staff_id === person.id;
  const act = useAct(async (what: 'resend' | 'sign-out' | 'enable' | Question) => {
    setAsked(null);
    onTold(null);
    const once = { params: { ...path, header: { 'Idempotency-Key': newKey() } } };
    if (what === 'resend') of.put(await call(api.POST('/practice/staff/{staff_id}/resend', once)));
    if (what === 'reset') await call(api.POST('/practice/staff/{staff_id}/second-factor/reset', once));
    if (what === 'disable') of.put(await call(api.POST('/practice/staff/{staff_id}/disable', { params: path })));
    if (what === 'enable') of.put(await call(api.POST('/practice/staff/{staff_id}/enable', { params: path })));
    if (what === 'sign-out') await call(api.POST('/practice/staff/{staff_id}/sign-out', { params: path }));
    if (what === 'revoke') {
      await call(api.POST('/practice/staff/{staff_id}/revoke', { params: path }));
      return route(STAFF);
    }
    onTold({ resend: words.resent, reset: words.resetDone, disable: words.disabled, enable: words.enabled, 'sign-out': words.signedOut }[what]);
  });
  const questions: Record<Question, { title: string; text: string; yes: string }> = {
    revoke: { title: words.revokeTitle, text: words.revokeText(member.name), yes: words.revoke },
    reset: { title: words.resetTitle, text: words.resetText(member.name), yes: words.reset },
    disable: { title: words.disableTitle(member.name), text: own ? words.disableSelf : words.disableText, yes: words.disable },
  };
  const question = asked ? questions[asked] : null;
  return (
    <section class="card stack g3" aria-labelledby="account">
      <h2 id="account">{words.account}</h2>
      <Failed problem={act.problem} />
      <div class="stack g2">
        {member.status === 'invited' && <><Button icon="mail" busy={act.busy} onClick={() => void act.run('resend')}>{words.resend}</Button><Button look="quiet" onClick={() => setAsked('revoke')}>{words.revoke}</Button></>}
        {member.status === 'active' && (
          <>
            <Button icon="exit" busy={act.busy} onClick={() => void act.run('sign-out')}>{words.signOut}</Button>
            {!own && <Button icon="key" onClick={() => setAsked('reset')}>{words.reset}</Button>}
            {!member.last_administrator && <Button look="quiet" icon="lock" onClick={() => setAsked('disable')}>{words.disable}</Button>}
          </>
        )}
        {member.status === 'disabled' && <Button busy={act.busy} onClick={() => void act.run('enable')}>{words.enable}</Button>}
      </div>
      <Dialog open={question !== null} onClose={() => setAsked(null)} title={question?.title ?? ''} actions={<><Button look="danger" onClick={() => { if (asked) void act.run(asked); }}>{question?.yes}</Button><Button onClick={() => setAsked(null)}>{words.keep}</Button></>}>
        <p>{question?.text}</p>
      </Dialog>
    </section>
  );
}

/* ---------- whom they treat ---------- */
function Caseload({ member }: { member: StaffMember }) {
  const [items, setItems] = useState<ClientRow[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [told, setTold] = useState('');
  const staff_id = member.staff_id;
  const more = useAct(async (after: string | null) => {
    const page = await call(api.GET('/practice/staff/{staff_id}/clients', { params: { path: { staff_id }, query: after ? { cursor: after } : {} } }));
    // Whom somebody assigned before the answer came is there already, and stays.
    setItems((known) => [...(known ?? []), ...page.items.filter((one) => !known?.some((other) => other.client_id === one.client_id))]);
    setCursor(page.next_cursor);
  });
  useEffect(() => { void more.run(null); }, [staff_id]);
  const add = useAct(async (client: ClientRow) => {
    const changed = await call(api.POST('/practice/clients/{client_id}/therapists', { params: { path: { client_id: client.client_id } }, body: { staff_id } }));
    setItems((known) => [changed, ...(known ?? []).filter((one) => one.client_id !== changed.client_id)]);
    setTold(words.assigned(changed.name));
  });
  const remove = useAct(async (client: ClientRow) => {
    await call(api.DELETE('/practice/clients/{client_id}/therapists/{staff_id}', { params: { path: { client_id: client.client_id, staff_id } } }));
    setItems((known) => (known ?? []).filter((one) => one.client_id !== client.client_id));
    setTold(words.unassigned(client.name));
  });
  const therapist = member.roles.includes('therapist');
  return (
    <section class="card flush" aria-labelledby="caseload">
      <div class="cardhead"><div class="stack g1"><h2 id="caseload">{words.clients}</h2><p class="small soft">{therapist ? words.clientsLead : words.notTherapist}</p></div></div>
      {therapist && member.status !== 'disabled' && <Finder known={items ?? []} busy={add.busy} onAdd={(client) => void add.run(client)} />}
      <p class="hidden" role="status">{told}</p>
      <Failed problem={add.problem ?? remove.problem ?? more.problem} />
      {items && items.length === 0 && therapist && <p class="small soft inset">{words.noClients}</p>}
      <ul class="rows">
        {(items ?? []).map((client) => (
          <li key={client.client_id} class="row">
            <div><a class="strong plain" href={`/staff/clients/${client.client_id}`}>{client.name}</a></div>
            <Button look="quiet" mini busy={remove.busy} onClick={() => void remove.run(client)}>{words.remove}<span class="hidden">{words.assignOf(client.name)}</span></Button>
          </li>
        ))}
      </ul>
      {cursor && <div class="cardhead foothead"><Button mini look="quiet" busy={more.busy} onClick={() => void more.run(cursor)}>{words.more}</Button></div>}
    </section>
  );
}

const AT_ONCE = 8;

/** Clients by letters of the name; each can be assigned. */
function Finder({ known, busy, onAdd }: { known: ClientRow[]; busy: boolean; onAdd: (client: ClientRow) => void }) {
  const [typed, setTyped] = useState('');
  const [found, setFound] = useState<ClientPage | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const turn = useRef(0);
  useEffect(() => {
    const mine = ++turn.current;
    const search = typed.trim();
    if (!search) return setFound(null);
    const timer = setTimeout(() => {
      call(api.POST('/practice/clients/search', { body: { search } }))
        .then((page) => { if (mine === turn.current) { setFound(page); setProblem(null); } })
        .catch((cause) => { if (mine === turn.current) setProblem(asProblem(cause)); });
    }, 200);
    return () => clearTimeout(timer);
  }, [typed]);
  const others = (found?.items ?? []).filter((one) => !known.some((other) => other.client_id === one.client_id));
  const left = others.slice(0, AT_ONCE);
  const rest = found !== null && (others.length > AT_ONCE || found.next_cursor !== null || found.total === null);
  return (
    <div class="inset stack g3">
      <TextField label={words.add} help={words.addHelp} type="search" autocomplete="off" maxLength={100} value={typed} onInput={setTyped} />
      <Failed problem={problem} />
      {found && left.length === 0 && !rest && <p class="small soft" role="status">{words.noMatch}</p>}
      {left.length > 0 && (
        <ul class="stack g2" aria-label={words.add}>
          {left.map((client) => (
            <li key={client.client_id} class="split"><span>{client.name}</span><Button mini busy={busy} onClick={() => { onAdd(client); setTyped(''); }}>{words.assign}<span class="hidden">{words.assignOf(client.name)}</span></Button></li>
          ))}
        </ul>
      )}
      {rest && <p class="small soft" role="status">{words.rest(left.length)}</p>}
    </div>
  );
}
