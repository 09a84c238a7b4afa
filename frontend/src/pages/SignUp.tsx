/** Sign Up: a new person tells who they are; a link in their mailbox goes on from there. The same page whoever it is. */
import { useRoute } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { day } from '../forms/engine.ts';
import { FormField, fieldId } from '../forms/fields/fields.tsx';
import { api, asProblem, call } from '../http.ts';
import { CrisisLine, useBrand } from '../shell/shells.tsx';
import { client } from '../strings/client.ts';
import { shared } from '../strings/shared.ts';
import { signup } from '../strings/signup.ts';
import type { Field as FormSpec, SignUpPage, Tenant } from '../types.ts';
import { Bones, Button, Check, ErrorSummary, Group, Heading, Icon, LinkButton, LoadFailed, Note, OfflineNote, ProblemNote, TextField, useAct, useBodyClass, useDraft, useLoad, WithPhone } from '../ui/index.ts';

const words = signup;
const BORN: FormSpec = { id: 'birth_date', type: 'date', label: words.birthDate, required: true };
const BORN_ID = fieldId(BORN);
const FIELDS = ['legal_name', 'birth_date', 'email', 'phone', 'may_contact'] as const;
type Name = (typeof FIELDS)[number];
type Faults = Partial<Record<Name | 'preferred_name', string>>;

interface Draft { legal_name: string; preferred_name: string; birth_date: string | null; email: string; phone: string; may_contact: boolean }
const EMPTY: Draft = { legal_name: '', preferred_name: '', birth_date: null, email: '', phone: '', may_contact: false };

export default function SignUp() {
  const { params } = useRoute() as { params: Record<string, string> };
  const slug = params.slug ?? '';
  const page = useLoad(() => call(api.GET('/tenants/{slug}/sign-up', { params: { path: { slug } } })), [slug]);
  useBodyClass('door');
  useBrand(page.data?.tenant ?? null);
  if (page.problem?.status === 404 || page.problem?.status === 422) return <Frame tenant={null} title={client.signIn.unknownTitle}><p>{client.signIn.unknown}</p><LinkButton wide href="/">{shared.failure.goHome}</LinkButton></Frame>;
  if (page.problem) return <main id="main"><LoadFailed problem={page.problem} onRetry={() => void page.reload()} /></main>;
  if (!page.data) return <main id="main"><Bones rows={3} card={false} /></main>;
  if (!page.data.open) return <Closed tenant={page.data.tenant} />;
  return <Asking page={page.data} onReload={() => void page.reload()} />;
}

export function Frame({ tenant, title, heading, lead, move, children }: { tenant: Tenant | null; title: string; heading?: string; lead?: string; move?: string; children?: preact.ComponentChildren }) {
  return (
    <>
      <header><div class="stack g4"><span class="mark"><Icon name="sprout" /></span><div class="stack g1">{tenant ? <p class="soft">{tenant.name}</p> : null}<Heading title={title} move={move ?? title}>{heading ?? title}</Heading></div>{lead ? <p class="soft">{lead}</p> : null}</div></header>
      <main id="main" tabIndex={-1}><OfflineNote />{children}{tenant ? <CrisisLine tenant={tenant} /> : null}</main>
    </>
  );
}

function Closed({ tenant }: { tenant: Tenant }) {
  return (
    <Frame tenant={tenant} title={words.closedTitle}>
      <p><WithPhone text={words.closed(tenant.name, tenant.phone)} phone={tenant.phone} /></p>
      <LinkButton wide href={`/${tenant.slug}`}>{words.link.toSignIn}</LinkButton>
    </Frame>
  );
}

function Asking({ page, onReload }: { page: SignUpPage; onReload: () => void }) {
  const [draft, setDraft, dropDraft] = useDraft<Draft>('-', `sign-up-${page.tenant.slug}`, EMPTY);
  const [sent, setSent] = useState<string | null>(null);
  if (sent) return <Sent tenant={page.tenant} email={sent} onBack={() => { setSent(null); onReload(); }} onLeave={dropDraft} />;
  return <Form page={page} draft={draft} onChange={setDraft} onSent={setSent} onClosed={onReload} />;
}

/** What is wrong before it is sent. */
function faultsOf(draft: Draft): Faults {
  const faults: Faults = {};
  if (draft.legal_name.trim().length < 2 || !/\p{L}/u.test(draft.legal_name)) faults.legal_name = words.nameMissing;
  if (!day(draft.birth_date)) faults.birth_date = words.birthDateMissing;
  else if (draft.birth_date! > new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)) faults.birth_date = words.birthDateFuture;
  if (!draft.email.trim()) faults.email = words.emailMissing;
  else if (!/^\S+@\S+\.\S+$/.test(draft.email.trim())) faults.email = words.emailShape;
  if (!draft.phone.trim()) faults.phone = words.phoneMissing;
  else if (draft.phone.replace(/\D/g, '').length < 7) faults.phone = words.phoneShape;
  if (!draft.may_contact) faults.may_contact = words.consentMissing;
  return faults;
}

const SAID: Partial<Record<string, string>> = { email: words.emailShape, birth_date: words.birthDateFuture, phone: words.phoneShape, legal_name: words.nameMissing };

interface FormProps { page: SignUpPage; draft: Draft; onChange: (draft: Draft) => void; onSent: (email: string) => void; onClosed: () => void }

function Form({ page, draft, onChange, onSent, onClosed }: FormProps) {
  const { tenant } = page;
  const opened = useRef(Date.now());
  const trap = useRef<HTMLInputElement>(null);
  const [asked, setAsked] = useState(false);
  const [refused, setRefused] = useState<Faults>({});
  const [turn, setTurn] = useState(0);
  const latest = useRef(draft);
  const set = <K extends keyof Draft>(name: K, value: Draft[K]) => {
    setRefused(({ [name as Name]: _gone, ...rest }) => rest);
    latest.current = { ...latest.current, [name]: value };
    onChange(latest.current);
  };
  const act = useAct(async () => {
    // Programs are quicker than people: whoever fills this in by autofill waits the rest of the seconds here.
    const rest = opened.current + page.least_seconds * 1000 + 500 - Date.now();
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    const { legal_name, preferred_name, birth_date, email, phone } = latest.current;
    const body = {
      slug: tenant.slug, ticket: page.ticket, legal_name: legal_name.trim(), preferred_name: preferred_name.trim() || null,
      birth_date: birth_date ?? '', email: email.trim(), phone: phone.trim(), may_contact: true as const, website: trap.current?.value ?? '',
    };
    try {
      await call(api.POST('/sign-ups', { body }));
      onSent(email.trim());
    } catch (cause) {
      const problem = asProblem(cause);
      const found: Faults = {};
      for (const fault of problem.faults) {
        const name = fault.pointer.slice(1) as Name;
        if (name in EMPTY) found[name] = SAID[name] ?? fault.detail;
      }
      if (problem.code === 'feature_switched_off') onClosed();
      else if (problem.status === 422 && Object.keys(found).length) {
        setRefused(found);
        setTurn((now) => now + 1);
      } else throw problem;
    }
  });
  const faults: Faults = { ...(asked ? faultsOf(draft) : {}), ...refused };
  const submit = (event: Event) => {
    event.preventDefault();
    setAsked(true);
    if (Object.keys(faultsOf(latest.current)).length) setTurn(turn + 1);
    else void act.run();
  };
  const ids: Record<Name, string> = { legal_name: 's-legal_name', birth_date: BORN_ID, email: 's-email', phone: 's-phone', may_contact: 's-may_contact' };
  const listed = FIELDS.flatMap((name) => (faults[name] ? [{ id: ids[name], text: faults[name] as string }] : []));
  const tooMany = act.problem?.status === 429 ? act.problem : null;
  return (
    <Frame tenant={tenant} title={words.title} lead={words.lead(tenant.name)}>
      <p class="small">{words.known} <a href={`/${tenant.slug}`}>{words.knownLink}</a></p>
      <form class="stack g6" noValidate onSubmit={submit}>
        <ErrorSummary wrong={listed} turn={turn} />
        <section class="stack g5" aria-labelledby="about">
          <h2 id="about">{words.you}</h2>
          <TextField id={ids.legal_name} label={words.legalName} help={words.legalNameHelp} autocomplete="name" required maxLength={200} value={draft.legal_name} error={faults.legal_name} onInput={(value) => set('legal_name', value)} />
          <TextField id="s-preferred_name" label={words.preferred} help={words.preferredHelp} optional autocomplete="nickname" maxLength={100} value={draft.preferred_name} error={faults.preferred_name} onInput={(value) => set('preferred_name', value)} />
          <FormField field={BORN} value={draft.birth_date} error={faults.birth_date ?? null} onChange={(value) => set('birth_date', value as string | null)} onLeave={() => undefined} />
        </section>
        <section class="stack g5" aria-labelledby="reach">
          <h2 id="reach">{words.reach}</h2>
          <TextField id={ids.email} label={words.email} help={words.emailHelp} type="email" inputMode="email" autocomplete="email" required maxLength={254} value={draft.email} error={faults.email} onInput={(value) => set('email', value)} />
          <TextField id={ids.phone} label={words.phone} type="tel" inputMode="tel" autocomplete="tel" required maxLength={40} value={draft.phone} error={faults.phone} onInput={(value) => set('phone', value)} />
          <Group id={ids.may_contact} label={words.consentTitle} hideLabel error={faults.may_contact}>
            <Check checked={draft.may_contact} invalid={Boolean(faults.may_contact)} onChange={(on) => set('may_contact', on)}>{words.consent(tenant.name)}</Check>
          </Group>
        </section>
        <label class="hidden" aria-hidden="true">{words.trap}<input ref={trap} type="text" name="website" tabIndex={-1} autocomplete="off" /></label>
        <div class="stack g3">
          {tooMany ? <Note tone="warn" icon="clock" live>{words.tooMany(shared.waitSeconds(tooMany.retryAfter ?? 60))}</Note> : <ProblemNote problem={act.problem} />}
          <Button type="submit" look="primary" wide busy={act.busy} busyLabel={words.sending}>{words.send}</Button>
          <p class="tiny faint line"><Icon name="lock" /><span>{words.private}</span></p>
        </div>
      </form>
    </Frame>
  );
}

/** The same words for everyone. The draft goes when the person leaves; until then it can be corrected. */
function Sent({ tenant, email, onBack, onLeave }: { tenant: Tenant; email: string; onBack: () => void; onLeave: () => void }) {
  const stay = useRef(false);
  useEffect(() => () => { if (!stay.current) onLeave(); }, []);
  return (
    <Frame tenant={tenant} title={words.sentTitle} move="sent">
      <div class="stack g4">
        <p class="strong">{words.sent(email)}</p>
        <ul class="dots soft">{words.sentHints.map((hint) => <li key={hint}>{hint}</li>)}</ul>
      </div>
      <Button wide onClick={() => { stay.current = true; onBack(); }}>{words.correct}</Button>
    </Frame>
  );
}
