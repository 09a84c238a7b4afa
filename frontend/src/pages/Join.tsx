/** An invitation: what its link is worth now, the account, how to reach the person, then straight into the forms. */
import { useLocation } from 'preact-iso';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { day } from '../forms/engine.ts';
import { FormField, fieldId } from '../forms/fields/fields.tsx';
import { api, asProblem, call, type Problem } from '../http.ts';
import { keep, recall } from '../keep.ts';
import { adopt, comeBackTo, load, useSessionState } from '../session.tsx';
import { CrisisLine, useBrand } from '../shell/shells.tsx';
import { Mark } from '../shell/Mark.tsx';
import { client } from '../strings/client.ts';
import type { Field, Invitation, Profile, Session, Tenant } from '../types.ts';
import { Bones, Button, ErrorSummary, Facts, Heading, LinkButton, LoadFailed, Note, ProblemNote, TextField, useAct, useBodyClass, useDraft, useLoad, WithPhone } from '../ui/index.ts';
import { useToken } from '../account/Linked.tsx';
import { NewPasswordField, passwordFault, refusedPassword } from '../account/NewPassword.tsx';
import { draftOf, faultsAt, faultsOf, fieldsOf, ORDER, ReachParts, type Draft, type Faults } from './ProfileFields.tsx';
import { allIntakes } from './Forms.tsx';

const words = client.join;

/** Who has made the account and is at the second step, and which forms come next: a reload goes on there. */
interface Joining { person: string; slug: string; forms: number; minutes: number }

export default function Join() {
  const token = useToken('invitation', () => keep('draft:-:invited', null)); // that was typed for another invitation
  const [joining, setJoining] = useState<Joining | null>(() => (token ? null : recall<Joining>('joining')));
  useBodyClass('door');
  const loaded = useLoad(() => (token ? call(api.POST('/invitations/lookup', { body: { token } })) : Promise.resolve(null)), [token]);
  const tenant = loaded.data?.tenant ?? null;
  const known = useSessionState();
  const session = known.status === 'ready' ? known.session : null;
  const step = session && session.person.id === joining?.person ? joining : null;
  useBrand(step && session ? session.tenant : tenant);
  const { route } = useLocation();
  const inside = !token && !step && session?.kind === 'client';
  const gone = joining && known.status === 'none' ? { to: `/${joining.slug}`, fresh: known.fresh } : null;
  useLayoutEffect(() => {
    if (inside) route('/home', true);
    if (!gone) return;
    if (gone.fresh) comeBackTo('/join'); // the account is there, the session is not: sign in, then go on here
    route(gone.to, true);
  }, [inside, gone?.to]);
  if (session && step) return <Details session={session} joining={step} />;
  if (joining && known.status === 'failed') return <main id="main"><LoadFailed problem={known.problem} onRetry={() => void load()} /></main>;
  if (gone || (!token && (inside || known.status === 'loading'))) return <main id="main"><Bones rows={2} card={false} /></main>;
  if (!token) return <Told title={words.noToken.title} text={words.noToken.text} />;
  if (loaded.problem?.status === 404 || loaded.problem?.status === 422) return <Told title={words.states.unknown.title} text={words.states.unknown.text} />;
  if (loaded.problem) return <main id="main"><LoadFailed problem={loaded.problem} onRetry={() => void loaded.reload()} /></main>;
  if (!loaded.data) return <main id="main"><p class="hidden" role="status">{words.looking}</p><Bones rows={3} card={false} /></main>;
  if (loaded.data.state !== 'open') return <Closed invitation={loaded.data} token={token} />;
  return <Account invitation={loaded.data} token={token} onJoined={setJoining} onClosed={() => void loaded.reload()} />;
}

function Frame({ tenant, title, lead, step, children }: { tenant: Tenant | null; title: string; lead?: string; step?: number; children?: preact.ComponentChildren }) {
  return (
    <>
      <header><div class="stack g4"><Mark logo={tenant?.logo} /><div class="stack g1"><p class="soft">{tenant?.name}{step ? <>{tenant ? ' · ' : ''}{words.step(step, 2)}</> : null}</p><Heading move={title}>{title}</Heading></div>{lead ? <p class="soft">{lead}</p> : null}</div></header>
      <main id="main" tabIndex={-1}>{children}{tenant ? <CrisisLine tenant={tenant} /> : null}</main>
    </>
  );
}

function Told({ title, text }: { title: string; text: string }) {
  return <Frame tenant={null} title={title}><p>{text}</p><LinkButton wide href="/">{client.front.title}</LinkButton></Frame>;
}

function Closed({ invitation, token }: { invitation: Invitation; token: string }) {
  const { tenant } = invitation;
  const state = invitation.state as Exclude<Invitation['state'], 'open'>;
  const said = words.states[state];
  const [asked, setAsked] = useState(false);
  const asking = useAct(async () => {
    await call(api.POST('/invitations/renewal', { body: { token } }));
    setAsked(true);
  });
  const over = state === 'expired' || state === 'locked';
  const canAsk = over || state === 'replaced';
  return (
    <Frame tenant={tenant} title={said.title}>
      <p>{said.text}</p>
      {asked ? <Note tone="good" live>{words.asked}</Note> : null}
      <ProblemNote problem={asking.problem} />
      <div class="stack g3">
        {state === 'used' ? <LinkButton look="primary" wide href={`/${tenant.slug}`}>{words.states.used.action}</LinkButton> : null}
        {canAsk && !asked ? <Button look={over ? 'primary' : 'plain'} wide busy={asking.busy} busyLabel={words.asking} onClick={() => void asking.run()}>{over ? words.states.expired.action : words.states.replaced.action}</Button> : null}
        {tenant.phone ? <LinkButton wide icon="phone" href={`tel:${tenant.phone.replace(/[^\d+]/g, '')}`}>{words.call(tenant.phone)}</LinkButton> : null}
      </div>
    </Frame>
  );
}

const BORN: Field = { id: 'birth_date', type: 'date', label: words.birthDate, help: words.birthDateHelp, required: true };

function Account({ invitation, token, onJoined, onClosed }: { invitation: Invitation; token: string; onJoined: (joining: Joining) => void; onClosed: () => void }) {
  const [password, setPassword] = useState('');
  const [preferred, setPreferred] = useDraft('-', 'invited', ''); // never the password
  const [fault, setFault] = useState<string | null>(null);
  const [born, setBorn] = useState<string | null>(null);
  const [bornFault, setBornFault] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    if (turn) document.getElementById(bornFault ? `${fieldId(BORN)}-m` : 'join-password')?.focus();
  }, [turn]);
  const minutes = invitation.forms.reduce((sum, one) => sum + one.minutes, 0);
  const act = useAct(async () => {
    try {
      const session = await call(api.POST('/invitations/redemption', {
        body: {
          token, password, birth_date: invitation.asks_birth_date ? born : null, preferred_name: preferred.trim() || null,
          profile: {}, // the next step shows what the practice already has, and asks for the rest
        },
      }));
      const joining: Joining = { person: session.person.id, slug: session.tenant.slug, forms: invitation.forms.length, minutes };
      keep('invitation', null);
      keep('joining', joining);
      adopt(session);
      onJoined(joining);
    } catch (cause) {
      const problem: Problem = asProblem(cause);
      const wrong = refusedPassword(problem);
      if (wrong) {
        setFault(wrong);
        setTurn((now) => now + 1);
      } else if (problem.code === 'birth_date_mismatch') {
        setBornFault(words.birthDateWrong);
        setTurn((now) => now + 1);
      } else if (problem.status === 409) onClosed();
      else throw problem;
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const local = passwordFault(password);
    const unborn = invitation.asks_birth_date && !day(born) ? words.birthDateMissing : null;
    setFault(local);
    setBornFault(unborn);
    if (local || unborn) setTurn(turn + 1);
    else void act.run();
  };
  return (
    <Frame tenant={invitation.tenant} step={1} title={words.welcome(invitation.first_name ?? invitation.name ?? '')} lead={words.lead(invitation.tenant.name)}>
      <form class="stack g5" ref={form} noValidate onSubmit={submit}>
        <section class="card stack g3" aria-labelledby="you">
          <h2 id="you">{words.you}</h2>
          <Facts rows={[[words.name, invitation.name ?? ''], [words.email, invitation.email ?? '']]} />
          <p class="tiny soft"><WithPhone text={words.wrongPerson(invitation.tenant.phone)} phone={invitation.tenant.phone} /></p>
        </section>
        <input class="hidden" type="email" name="username" autocomplete="username" value={invitation.email ?? ''} readOnly tabIndex={-1} aria-hidden="true" />
        <TextField label={words.preferred} help={words.preferredHelp} optional autocomplete="nickname" maxLength={100} value={preferred} onInput={setPreferred} />
        {invitation.asks_birth_date ? <FormField field={BORN} value={born} error={bornFault} onChange={(value) => { setBorn(value as string | null); setBornFault(null); }} onLeave={() => undefined} /> : null}
        <NewPasswordField id="join-password" label={words.password} value={password} error={fault} onInput={(value) => { setPassword(value); setFault(null); }} />
        <ProblemNote problem={act.problem} />
        <div class="stack g3">
          <Button type="submit" look="primary" wide busy={act.busy} busyLabel={words.creating}>{words.create}</Button>
          {invitation.forms.length ? <p class="small soft">{words.formsNext(invitation.forms.length, minutes)}</p> : null}
        </div>
      </form>
    </Frame>
  );
}

function Details({ session, joining }: { session: Session; joining: Joining }) {
  const loaded = useLoad(() => call(api.GET('/portal/profile')), []);
  if (loaded.problem) return <main id="main"><LoadFailed problem={loaded.problem} onRetry={() => void loaded.reload()} /></main>;
  if (!loaded.data) return <main id="main"><Bones rows={3} card={false} /></main>;
  return <DetailsForm key={loaded.data.etag} session={session} joining={joining} profile={loaded.data} onStale={() => void loaded.reload()} />;
}

function DetailsForm({ session, joining, profile, onStale }: { session: Session; joining: Joining; profile: Profile; onStale: () => void }) {
  const { route } = useLocation();
  const [draft, setDraft, dropDraft] = useDraft<Draft>(session.person.id, 'joining', draftOf(profile));
  const [asked, setAsked] = useState(false);
  const [turn, setTurn] = useState(0);
  const [refused, setRefused] = useState<Faults>({});
  const latest = useRef(draft);
  const set = (name: keyof Draft, value: string | boolean) => {
    setRefused(({ [name]: _gone, ...rest }) => rest);
    latest.current = { ...latest.current, [name]: value };
    setDraft(latest.current);
  };
  const goOn = async () => {
    dropDraft();
    keep('joining', null);
    const intakes = await allIntakes().catch(() => []);
    const intake = intakes.find((one) => one.status === 'open' && one.forms.some((form) => form.status === 'to_do' || form.status === 'started'));
    const next = intake?.forms.find((form) => form.status === 'to_do' || form.status === 'started');
    route(intake && next ? `/forms/${intake.intake_id}/${next.form_id}` : '/home', true);
  };
  const act = useAct(async () => {
    try {
      await call(api.PATCH('/portal/profile', { params: { header: { 'If-Match': profile.etag } }, body: fieldsOf(latest.current) }));
    } catch (cause) {
      const problem = asProblem(cause);
      const found = faultsAt(problem.faults);
      if (problem.status === 412) onStale(); // the practice changed the file meanwhile: what was typed stays
      if (problem.status === 422 && Object.keys(found).length) {
        setRefused(found);
        setTurn((now) => now + 1);
        return;
      }
      throw problem;
    }
    await goOn();
  });
  const skip = useAct(goOn);
  const faults: Faults = { ...(asked ? faultsOf(draft) : {}), ...refused };
  const submit = (event: Event) => {
    event.preventDefault();
    setAsked(true);
    if (Object.keys(faultsOf(draft)).length) setTurn(turn + 1);
    else void act.run();
  };
  const listed = ORDER.flatMap((name) => (faults[name] ? [{ id: `p-${name}`, text: faults[name] as string }] : []));
  return (
    <Frame tenant={session.tenant} step={2} title={words.detailsTitle} lead={words.detailsLead}>
      <form class="stack g6" noValidate onSubmit={submit}>
        <ErrorSummary wrong={listed} turn={turn} />
        <ReachParts draft={draft} faults={faults} set={set} />
        <ProblemNote problem={act.problem ?? skip.problem} />
        <div class="stack g3">
          {joining.forms ? <p class="small soft">{words.readyForms(joining.forms, joining.minutes)}</p> : null}
          <Button type="submit" look="primary" wide busy={act.busy} busyLabel={client.profile.saving}>{words.saveDetails}</Button>
          <Button look="quiet" wide busy={skip.busy} onClick={() => void skip.run()}>{words.skipDetails}</Button>
        </div>
      </form>
    </Frame>
  );
}
