/** A client's file as a form: a new one, the whole of one (administrators), or how the client is reached (therapists). */
import { useLocation, useRoute } from 'preact-iso';
import { useState } from 'preact/hooks';
import { api, asProblem, call, newKey, Problem } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { staff } from '../../strings/staff.ts';
import type { Client, ClientRow } from '../../types.ts';
import { Button, Check, Dialog, ErrorSummary, Group, Heading, LinkButton, Note, TextField, calendarDate, useAct, useLoad, useToast, type Wrong } from '../../ui/index.ts';
import { Crumbs, Failed, PortalBadge, Ready, RecordBones } from '../parts.tsx';

const words = staff.file;
const FEATURES = ['intake_forms', 'messaging', 'self_scheduling', 'payments'] as const;
type FeatureName = 'invitations' | (typeof FEATURES)[number];

const TEXTS = {
  legal_name: '', preferred_name: '', birth_date: '', email: '', phone: '',
  line1: '', line2: '', city: '', region: '', postal_code: '', country: 'US',
  contact_name: '', relationship: '', contact_phone: '', carrier: '', member_id: '', group: '', holder: '',
};
type Name = keyof typeof TEXTS;
type Draft = typeof TEXTS & { may_contact: boolean; therapists: string[]; off: FeatureName[] };
type Faults = Partial<Record<Name | 'therapists', string>>;
interface Therapist { staff_id: string; name: string }

const EMPTY: Draft = { ...TEXTS, may_contact: false, therapists: [], off: [] };

function draftOf(client: Client): Draft {
  const { address, emergency_contact: contact, insurance } = client;
  return {
    ...EMPTY,
    legal_name: client.legal_name, preferred_name: client.preferred_name ?? '', birth_date: client.birth_date ?? '', email: client.email ?? '', phone: client.phone ?? '',
    ...(address ? { line1: address.line1, line2: address.line2 ?? '', city: address.city, region: address.region, postal_code: address.postal_code, country: address.country } : {}),
    ...(contact ? { contact_name: contact.name, relationship: contact.relationship, contact_phone: contact.phone, may_contact: contact.may_contact } : {}),
    ...(insurance ? { carrier: insurance.carrier, member_id: insurance.member_id, group: insurance.group ?? '', holder: insurance.holder?.name ?? '' } : {}),
    therapists: client.therapists.map((one) => one.staff_id), off: client.features_off as FeatureName[],
  };
}

const or = (text: string): string | null => text.trim() || null;

function contactOf(draft: Draft) {
  const at = [draft.line1, draft.line2, draft.city, draft.region, draft.postal_code].some((part) => part.trim());
  const someone = [draft.contact_name, draft.relationship, draft.contact_phone].some((part) => part.trim());
  return {
    phone: or(draft.phone),
    address: at ? { line1: draft.line1.trim(), line2: or(draft.line2), city: draft.city.trim(), region: draft.region.trim(), postal_code: draft.postal_code.trim(), country: draft.country.trim() || 'US' } : null,
    emergency_contact: someone ? { name: draft.contact_name.trim(), relationship: draft.relationship.trim(), phone: draft.contact_phone.trim(), may_contact: draft.may_contact } : null,
  };
}

function fileOf(draft: Draft, before: Client | null) {
  const insured = [draft.carrier, draft.member_id, draft.group, draft.holder].some((part) => part.trim());
  const holder = before?.insurance?.holder;
  return {
    ...contactOf(draft),
    legal_name: draft.legal_name.trim(), preferred_name: or(draft.preferred_name), birth_date: or(draft.birth_date), email: or(draft.email),
    insurance: insured ? {
      carrier: draft.carrier.trim(), member_id: draft.member_id.trim(), group: or(draft.group),
      holder: or(draft.holder) ? { name: draft.holder.trim(), relationship: holder?.relationship ?? null, birth_date: holder?.birth_date ?? null } : null,
    } : null,
    therapist_ids: draft.therapists,
  };
}

/** A part may be empty as a whole, not by half. */
function faultsOf(draft: Draft, whole: boolean): Faults {
  const faults: Faults = {};
  const made = fileOf(draft, null);
  if (whole && !made.legal_name) faults.legal_name = words.enterName;
  const needs = (there: unknown, names: Name[]) => {
    for (const name of names) if (there && !draft[name].trim()) faults[name] = words.half;
  };
  needs(made.address, ['line1', 'city', 'region', 'postal_code']);
  needs(made.emergency_contact, ['contact_name', 'relationship', 'contact_phone']);
  if (whole) needs(made.insurance, ['carrier', 'member_id']);
  for (const name of ['phone', 'contact_phone'] as const) if (draft[name].trim() && draft[name].replace(/\D/g, '').length < 7) faults[name] = words.phoneShape;
  return faults;
}

const AT: Record<string, Name | 'therapists'> = {
  '/legal_name': 'legal_name', '/preferred_name': 'preferred_name', '/birth_date': 'birth_date', '/email': 'email', '/phone': 'phone', '/therapist_ids': 'therapists',
  '/address/line1': 'line1', '/address/line2': 'line2', '/address/city': 'city', '/address/region': 'region', '/address/postal_code': 'postal_code', '/address/country': 'country',
  '/emergency_contact/name': 'contact_name', '/emergency_contact/relationship': 'relationship', '/emergency_contact/phone': 'contact_phone',
  '/insurance/carrier': 'carrier', '/insurance/member_id': 'member_id', '/insurance/group': 'group', '/insurance/holder/name': 'holder',
};

function faultsFrom(problem: Problem): Faults {
  const faults: Faults = {};
  for (const fault of problem.faults) {
    const name = AT[fault.pointer];
    if (name) faults[name] = fault.detail;
  }
  if (['email_in_use', 'has_account', 'access_ended', 'address_invited'].includes(problem.code)) faults.email = problem.title;
  return faults;
}

const therapistsOf = () => call(api.GET('/practice/therapists')).then((found) => found.items);

export function NewClientPage() {
  const loaded = useLoad(therapistsOf, []);
  return <Ready of={loaded} bones={<RecordBones />}>{(therapists) => <FileForm client={null} therapists={therapists} />}</Ready>;
}

export function EditClientPage() {
  const { client_id } = useRoute().params as { client_id: string };
  const admin = useSession().roles.includes('administrator');
  const loaded = useLoad(async () => {
    const [client, therapists] = await Promise.all([
      call(api.GET('/practice/clients/{client_id}', { params: { path: { client_id } } })), admin ? therapistsOf() : Promise.resolve([]),
    ]);
    return { client, therapists };
  }, [client_id]);
  return (
    <Ready of={loaded} bones={<RecordBones />} missing={{ title: staff.client.notFoundTitle, text: staff.client.notFound }}>
      {({ client, therapists }) => <FileForm key={client.etag} client={client} therapists={therapists} reload={() => void loaded.reload()} />}
    </Ready>
  );
}

function FileForm({ client, therapists, reload }: { client: Client | null; therapists: Therapist[]; reload?: () => void }) {
  const { roles } = useSession();
  const { route } = useLocation();
  const say = useToast();
  const whole = client === null || roles.includes('administrator');
  const [draft, setDraft] = useState<Draft>(() => (client ? draftOf(client) : EMPTY));
  const [faults, setFaults] = useState<Faults>({});
  const [turn, setTurn] = useState(0);
  const [same, setSame] = useState<ClientRow[] | null>(null);
  const [key, setKey] = useState(newKey);
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  const back = client ? `/staff/clients/${client.client_id}` : '/staff/clients';

  const save = useAct(async (anyway: boolean) => {
    const wrong = faultsOf(draft, whole);
    setFaults(wrong);
    if (Object.keys(wrong).length) return setTurn((n) => n + 1);
    try {
      if (client === null) {
        const made = await call(api.POST('/practice/clients', { params: { header: { 'Idempotency-Key': key } }, body: { ...fileOf(draft, null), anyway } }));
        say(words.created(made.name));
        return route(`/staff/clients/${made.client_id}`);
      }
      const params = { path: { client_id: client.client_id }, header: { 'If-Match': client.etag } };
      if (whole) {
        const body = { ...fileOf(draft, client), features_off: draft.off };
        const kept = await call(api.PATCH('/practice/clients/{client_id}', { params, body }));
        // The address of an open account changes once its holder has confirmed the new one.
        const waits = client.portal === 'active' && body.email && body.email.toLowerCase() !== kept.email;
        say(waits ? words.savedUnconfirmed : words.saved);
      } else {
        await call(api.PATCH('/practice/clients/{client_id}/contact', { params, body: contactOf(draft) }));
        say(words.saved);
      }
      return route(back);
    } catch (cause) {
      const problem = asProblem(cause);
      setKey(newKey());
      if (problem.code === 'likely_duplicate') {
        const { legal_name, birth_date, email } = fileOf(draft, null);
        setSame((await call(api.POST('/practice/clients/matches', { body: { legal_name, birth_date, email } }))).items);
        return undefined;
      }
      const found = faultsFrom(problem);
      setFaults(found);
      if (!Object.keys(found).length) throw problem;
      return setTurn((n) => n + 1);
    }
  });

  const box = (name: Name, label: string, more: Partial<Parameters<typeof TextField>[0]> = {}) => (
    <TextField id={`f-${name}`} label={label} value={draft[name]} error={faults[name]} maxLength={200} autocomplete="off" onInput={(value) => set({ [name]: value })} {...more} />
  );
  const wrong: Wrong[] = Object.entries(faults).map(([name, text]) => ({ id: `f-${name}`, text: text! }));
  const stale = save.problem?.code === 'stale';
  const emailHelp = client?.portal === 'active' ? words.emailAccount : client?.portal === 'invited' ? words.emailInvited : undefined;
  const title = client === null ? words.newTitle : whole ? words.editTitle(client.name) : words.contactTitle(client.name);
  return (
    <>
      <Crumbs items={[[staff.clients.title, '/staff/clients'], ...(client ? [[client.name, back] as [string, string]] : []), client ? words.editCrumb : words.newCrumb]} />
      <div class="stack g1"><Heading>{title}</Heading><p class="soft">{client === null ? words.newLead : whole ? '' : words.contactLead}</p></div>
      <form class="stack g5" noValidate onSubmit={(event) => { event.preventDefault(); void save.run(false); }}>
        <ErrorSummary wrong={wrong} turn={turn} />
        {whole && (
          <section class="card stack g4" aria-labelledby="who"><h2 id="who">{words.who}</h2>
            <div class="fieldgrid">
              {box('legal_name', words.legalName, { required: true })}
              {box('preferred_name', words.preferred, { optional: true, help: words.preferredHelp, maxLength: 100 })}
              {box('birth_date', words.birth, { type: 'date', optional: true })}
              {box('email', words.email, { type: 'email', optional: true, maxLength: 254, help: emailHelp, readOnly: client?.portal === 'active' })}
            </div>
          </section>
        )}
        <section class="card stack g4" aria-labelledby="reach"><h2 id="reach">{words.reach}</h2>
          <div class="fieldgrid">
            {box('phone', words.phone, { type: 'tel', optional: true, maxLength: 40 })}
            {box('line1', words.line1)}{box('line2', words.line2, { optional: true })}{box('city', words.city, { maxLength: 100 })}{box('region', words.region, { maxLength: 100 })}{box('postal_code', words.postal, { maxLength: 20 })}{box('country', words.country, { maxLength: 60 })}
          </div>
        </section>
        <section class="card stack g4" aria-labelledby="emergency"><h2 id="emergency">{words.emergency}</h2>
          <div class="fieldgrid">
            {box('contact_name', words.contactName)}{box('relationship', words.relationship, { maxLength: 100 })}{box('contact_phone', words.contactPhone, { type: 'tel', maxLength: 40 })}
            <div class="wide"><Check id="f-may_contact" checked={draft.may_contact} onChange={(on) => set({ may_contact: on })}>{words.mayContact}</Check></div>
          </div>
        </section>
        {whole && (
          <>
            <section class="card stack g4" aria-labelledby="insurance"><div class="stack g1"><h2 id="insurance">{words.insurance}</h2><p class="small soft">{words.insuranceHelp}</p></div>
              <div class="fieldgrid">
                {box('carrier', words.carrier)}{box('member_id', words.memberId, { maxLength: 100 })}{box('group', words.group, { optional: true, maxLength: 100 })}{box('holder', words.holder, { optional: true, help: words.holderHelp })}
              </div>
            </section>
            <section class="card stack g4">
              <Group label={<h2>{words.therapists}</h2>} help={therapists.length ? words.therapistsHelp : words.noTherapists} id="f-therapists" error={faults.therapists}>
                <div class="fieldgrid">{offered(client, therapists).map((one) => (
                  <Check key={one.staff_id} checked={draft.therapists.includes(one.staff_id)} onChange={(on) => set({ therapists: toggled(draft.therapists, one.staff_id, on) })}>{one.name}</Check>
                ))}</div>
              </Group>
            </section>
            {client && (
              <section class="card stack g4">
                <Group label={<h2>{words.features}</h2>} help={words.featuresHelp}>
                  <div class="fieldgrid">{FEATURES.map((name) => (
                    <Check key={name} checked={draft.off.includes(name)} onChange={(on) => set({ off: toggled(draft.off, name, on) })}>{words.feature[name]}</Check>
                  ))}</div>
                </Group>
              </section>
            )}
          </>
        )}
        {stale
          ? <Note tone="warn" live action={<Button mini onClick={reload}>{words.reload}</Button>}><strong>{words.stale}</strong> {words.staleText}</Note>
          : <Failed problem={save.problem} lead={words.failed} />}
        <div class="cluster g3">
          <Button type="submit" look="primary" busy={save.busy} busyLabel={client ? words.saving : words.creating}>{client ? words.save : words.create}</Button>
          <LinkButton href={back}>{words.cancel}</LinkButton>
        </div>
      </form>
      <Dialog
        open={same !== null} onClose={() => setSame(null)} title={words.dupTitle}
        actions={<><Button look="primary" onClick={() => setSame(null)}>{words.dupBack}</Button><Button busy={save.busy} busyLabel={words.creating} onClick={() => { setSame(null); void save.run(true); }}>{words.dupAnyway}</Button></>}
      >
        <p>{words.dupText}</p>
        <ul class="stack g3">{(same ?? []).map((one) => (
          <li key={one.client_id} class="split">
            <div class="stack g1"><p class="strong">{one.name}</p><p class="small soft">{one.birth_date ? staff.client.born(calendarDate(one.birth_date)) : staff.client.noBirth} <PortalBadge portal={one.portal} /></p></div>
            <LinkButton mini href={`/staff/clients/${one.client_id}`}>{words.dupOpen}<span class="hidden">: {one.name}</span></LinkButton>
          </li>
        ))}</ul>
      </Dialog>
    </>
  );
}

/** Everyone who can be chosen, and whoever is assigned although they cannot be chosen any more. */
function offered(client: Client | null, therapists: Therapist[]): Therapist[] {
  const gone = (client?.therapists ?? []).filter((one) => !therapists.some((other) => other.staff_id === one.staff_id));
  return [...therapists, ...gone];
}

function toggled<T>(list: T[], one: T, on: boolean): T[] {
  return on ? [...list.filter((other) => other !== one), one] : list.filter((other) => other !== one);
}
