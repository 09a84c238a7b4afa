/** The link of a sign-up: the mailbox is proved, a password chosen; then the practice answers. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useToken } from '../account/Linked.tsx';
import { api, asProblem, call } from '../http.ts';
import { keep } from '../keep.ts';
import { useBrand } from '../shell/shells.tsx';
import { signup } from '../strings/signup.ts';
import type { SignUpLink, Tenant } from '../types.ts';
import { Bones, Button, Facts, LinkButton, LoadFailed, PasswordField, ProblemNote, calendarDate, useAct, useBodyClass, useLoad, WithPhone } from '../ui/index.ts';
import { Frame } from './SignUp.tsx';

const words = signup.link;
const SHORTEST = 15;
const LONGEST = 128;

export default function SignUpLinkPage() {
  const token = useToken('sign-up');
  const [done, setDone] = useState<Tenant | null>(null);
  const loaded = useLoad(() => (token ? call(api.POST('/sign-ups/lookup', { body: { token } })) : Promise.resolve(null)), [token]);
  useBodyClass('door');
  useBrand(done ?? loaded.data?.tenant ?? null);
  if (done) return <Done tenant={done} />;
  if (!token) return <Told said={words.states.none} />;
  if (loaded.problem?.status === 404 || loaded.problem?.status === 422) return <Told said={words.states.unknown} />;
  if (loaded.problem) return <main id="main"><LoadFailed problem={loaded.problem} onRetry={() => void loaded.reload()} /></main>;
  if (!loaded.data) return <main id="main"><p class="hidden" role="status">{words.looking}</p><Bones rows={3} card={false} /></main>;
  if (loaded.data.state !== 'open') return <Told said={words.states[loaded.data.state]} tenant={loaded.data.tenant} again={loaded.data.state === 'expired'} />;
  return <Choose link={loaded.data} token={token} onDone={setDone} onClosed={() => void loaded.reload()} />;
}

function Told({ said, tenant = null, again }: { said: { title: string; text: string }; tenant?: Tenant | null; again?: boolean }) {
  return (
    <Frame tenant={tenant} title={said.title}>
      <p>{said.text}</p>
      {tenant ? again ? <LinkButton look="primary" wide href={`/${tenant.slug}/sign-up`}>{words.again}</LinkButton> : <LinkButton wide href={`/${tenant.slug}`}>{words.toSignIn}</LinkButton> : null}
    </Frame>
  );
}

function Choose({ link, token, onDone, onClosed }: { link: SignUpLink; token: string; onDone: (tenant: Tenant) => void; onClosed: () => void }) {
  const { tenant } = link;
  const [password, setPassword] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    if (turn) document.getElementById('sign-up-password')?.focus();
  }, [turn]);
  const act = useAct(async () => {
    try {
      await call(api.POST('/sign-ups/confirmation', { body: { token, password } }));
      keep('sign-up', null);
      onDone(tenant);
    } catch (cause) {
      const problem = asProblem(cause);
      const wrong = problem.faults.find((one) => one.pointer.startsWith('/password'));
      if (wrong) {
        setFault(wrong.detail);
        setTurn((now) => now + 1);
      } else if (problem.status === 409) onClosed();
      else throw problem;
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const count = [...password].length;
    const local = count < SHORTEST ? words.tooShort : count > LONGEST ? words.tooLong : null;
    setFault(local);
    if (local) setTurn(turn + 1);
    else void act.run();
  };
  const rows: [string, string][] = [[signup.facts.legal_name, link.legal_name ?? '']];
  if (link.preferred_name) rows.push([signup.facts.preferred_name, link.preferred_name]);
  rows.push([signup.facts.birth_date, calendarDate(link.birth_date ?? '')], [signup.facts.email, link.email ?? ''], [signup.facts.phone, link.phone ?? '']);
  return (
    <Frame tenant={tenant} title={words.title} heading={words.heading} lead={words.lead(tenant.name)}>
      <form class="stack g5" ref={form} noValidate onSubmit={submit}>
        <section class="card stack g3" aria-labelledby="entered">
          <h2 id="entered">{words.entered}</h2>
          <Facts rows={rows} />
          <p class="tiny soft">{words.wrong} <a href={`/${tenant.slug}/sign-up`}>{words.wrongLink}</a></p>
        </section>
        <input class="hidden" type="email" name="username" autocomplete="username" value={link.email ?? ''} readOnly tabIndex={-1} aria-hidden="true" />
        <PasswordField id="sign-up-password" label={words.password} help={words.passwordHelp} autocomplete="new-password" name="new-password" value={password} error={fault} required onInput={(value) => { setPassword(value); setFault(null); }} />
        <ProblemNote problem={act.problem} />
        <Button type="submit" look="primary" wide busy={act.busy} busyLabel={words.sending}>{words.send}</Button>
      </form>
    </Frame>
  );
}

/** The same words for everyone, whatever the practice will find. */
function Done({ tenant }: { tenant: Tenant }) {
  return (
    <Frame tenant={tenant} title={words.doneTitle} heading={words.doneHeading} move="done">
      <div class="stack g4">
        <p>{words.done(tenant.name)}</p>
        <p class="soft"><WithPhone text={words.doneHow(tenant.name, tenant.phone)} phone={tenant.phone} /></p>
      </div>
    </Frame>
  );
}
