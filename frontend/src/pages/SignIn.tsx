/** The organization's own sign-in page: clients with a password, staff with a password and then a 6-digit code. */
import { useLocation, useRoute } from 'preact-iso';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, call, type Problem } from '../http.ts';
import { keep, recall } from '../keep.ts';
import { askedFor, signIn, signOut, useSessionState, wayBack, type Ended } from '../session.tsx';
import { CrisisLine, useBrand } from '../shell/shells.tsx';
import { digits } from '../account/digits.ts';
import { account } from '../strings/account.ts';
import { Mark } from '../shell/Mark.tsx';
import { client } from '../strings/client.ts';
import { shared } from '../strings/shared.ts';
import type { Kind, Tenant } from '../types.ts';
import { Bones, Button, Heading, Icon, LinkButton, LoadFailed, Note, PasswordField, TextField, useAct, useBodyClass, useLoad } from '../ui/index.ts';

const words = client.signIn;

export function SignIn() {
  const { params, path } = useRoute() as { params: Record<string, string>; path: string };
  const slug = params.slug ?? '';
  const kind: Kind = path.endsWith('/staff') ? 'staff' : 'client';
  const tenant = useLoad(() => call(api.GET('/tenants/{slug}', { params: { path: { slug } } })), [slug]);
  useBodyClass('door');
  useBrand(tenant.data);
  if (tenant.problem?.status === 404 || tenant.problem?.status === 422) return <Unknown />;
  if (tenant.problem) return <main id="main"><LoadFailed problem={tenant.problem} onRetry={() => void tenant.reload()} /></main>;
  if (!tenant.data) return <main id="main"><Bones rows={2} card={false} /></main>;
  return <Door key={`${slug}-${kind}`} tenant={tenant.data} kind={kind} />;
}

function endedSentence({ how, minutes }: Ended): string {
  const said = shared.ended;
  return how === 'idle' ? said.idle(minutes) : how === 'absolute' ? said.absolute : how === 'lost' ? said.lost : said.signedOut;
}

function Unknown() {
  return (
    <>
      <header><div class="stack g4"><span class="mark"><Icon name="sprout" /></span><Heading>{words.unknownTitle}</Heading></div></header>
      <main id="main" tabIndex={-1}>
        <p>{words.unknown}</p>
        <LinkButton wide href="/">{shared.failure.goHome}</LinkButton>
      </main>
    </>
  );
}

function Door({ tenant, kind }: { tenant: Tenant; kind: Kind }) {
  const state = useSessionState();
  const signedIn = state.status === 'ready' && state.session.kind === kind && state.session.tenant.slug === tenant.slug ? state.session : null;
  const ended = state.status === 'none' ? (state.ended ?? recall<Ended>('ended')) : null;
  const [step, setStep] = useState<Step>('password');
  const [tried, setTried] = useState(false);
  const title = step === 'code' ? words.codeTitle : step === 'recovery' ? account.recovery.title : kind === 'staff' ? words.staffWelcome : words.welcome;
  return (
    <>
      <header><div class="stack g4"><Mark logo={tenant.logo} /><div class="stack g1"><p class="soft">{tenant.name}</p><Heading title={words.title} move={step}>{title}</Heading></div></div></header>
      <main id="main" tabIndex={-1}>
        {ended && ended.slug === tenant.slug && step === 'password' && !tried ? (
          <Note tone={ended.how === 'signed_out' ? 'good' : 'info'} icon={ended.how === 'signed_out' ? 'check' : 'lock'} live>
            {endedSentence(ended)}
          </Note>
        ) : null}
        {signedIn ? <Already name={signedIn.person.name} to={kind === 'staff' ? '/staff' : '/home'} /> : <Form tenant={tenant} kind={kind} step={step} onStep={setStep} onTry={() => setTried(true)} />}
        {step === 'password' && !signedIn ? (
          <div class="stack g2 small soft">
            {kind === 'client' ? <p>{words.invited(tenant.name)}</p> : null}
            {kind === 'client' && tenant.sign_up ? <p>{words.newHere} <a href={`/${tenant.slug}/sign-up`}>{words.signUp}</a></p> : null}
            <p><a href={`/${tenant.slug}${kind === 'staff' ? '/staff' : ''}/forgot`}>{account.forgot.link}</a></p>
            <p>{kind === 'client' ? <a href={`/${tenant.slug}/staff`}>{words.staffHere}</a> : <a href={`/${tenant.slug}`}>{words.clientsHere}</a>}</p>
          </div>
        ) : null}
        <div class="stack g2">
          <p class="tiny faint line"><Icon name="lock" /><span>{kind === 'client' ? words.private : words.staffPrivate}</span></p>
          {kind === 'client' ? <CrisisLine tenant={tenant} /> : null}
        </div>
      </main>
    </>
  );
}

type Step = 'password' | 'code' | 'recovery';

function Already({ name, to }: { name: string; to: string }) {
  const leaving = useAct(signOut);
  return (
    <div class="stack g4">
      <p>{words.alreadyAs(name)}</p>
      <LinkButton look="primary" wide href={to}>{words.goOn}</LinkButton>
      <Button wide busy={leaving.busy} onClick={() => void leaving.run()}>{shared.signOut}</Button>
    </div>
  );
}

/** Counts down after too many attempts; null when another try is allowed. */
function useWait(): [number, (seconds: number) => void] {
  const [until, setUntil] = useState(0);
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (until <= Date.now()) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [until, now > until]);
  return [Math.max(0, Math.ceil((until - now) / 1000)), (seconds) => { setNow(Date.now()); setUntil(Date.now() + seconds * 1000); }];
}

function Form({ tenant, kind, step, onStep, onTry }: { tenant: Tenant; kind: Kind; step: Step; onStep: (step: Step) => void; onTry: () => void }) {
  const { route } = useLocation();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [failed, setFailed] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  const [wait, setWait] = useWait();
  const form = useRef<HTMLFormElement>(null);
  const waited = useRef(false);
  if (wait > 0) waited.current = true;

  useLayoutEffect(() => {
    if (turn) form.current?.querySelector<HTMLInputElement>('[aria-invalid=true]')?.focus();
  }, [turn]);
  useLayoutEffect(() => {
    if (step !== 'password') form.current?.querySelector<HTMLInputElement>('input')?.focus();
  }, [step]);

  const refuse = (problem: Problem) => {
    onTry();
    if (problem.status === 429) {
      setWait(problem.retryAfter ?? 60);
      setFailed(null);
    } else if (problem.code === 'second_factor_required') {
      setFailed(null);
      setCode('');
      onStep('code');
    } else if (problem.status === 401 || problem.status === 422) {
      setFailed(step === 'code' ? words.wrongCode : step === 'recovery' ? account.recovery.wrong : words.wrong);
      if (step !== 'password') setCode('');
    } else {
      setFailed(problem.title);
    }
  };

  const act = useAct(async () => {
    setFailed(null);
    try {
      const session = await signIn({ slug: tenant.slug, kind, email: email.trim(), password, code: step === 'code' ? digits(code) : null, recovery_code: step === 'recovery' ? code.trim() : null, bearer: false });
      keep('ended', null);
      const home = kind === 'staff' ? '/staff' : '/home';
      route(wayBack(session, askedFor(kind) ?? home), true);
    } catch (cause) {
      refuse(asProblem(cause));
    }
  });

  const submit = (event: Event) => {
    event.preventDefault();
    if (wait > 0 || act.busy) return;
    const found: Record<string, string> = {};
    if (step === 'password') {
      if (!email.trim()) found.email = words.enterEmail;
      else if (!/^\S+@\S+$/.test(email.trim())) found.email = words.emailShape;
      if (!password) found.password = words.enterPassword;
    } else if (step === 'code' && !digits(code)) {
      found.code = words.enterCode;
    } else if (step === 'recovery' && code.replace(/[\s-]/g, '').length !== 12) {
      found.code = account.recovery.enter;
    }
    setWrong(found);
    if (Object.keys(found).length) {
      setFailed(null);
      setTurn(turn + 1);
      return;
    }
    void act.run();
  };
  const fix = (name: string) => setWrong(({ [name]: _gone, ...rest }) => rest);

  return (
    <form class="stack g5" ref={form} noValidate onSubmit={submit}>
      {failed ? <Note tone="bad" live>{failed}</Note> : null}
      {wait > 0 ? <Note tone="warn" icon="clock"><span class="num" aria-hidden="true">{words.tooMany(shared.waitSeconds(wait))}</span><span class="hidden" role="status">{words.tooMany(shared.waitSeconds(Math.ceil(wait / 60) * 60))}</span></Note> : waited.current && !failed ? <Note tone="good" live>{words.again}</Note> : null}
      {step === 'password' ? (
        <>
          <TextField label={words.email} type="email" name="email" autocomplete="username" inputMode="email" maxLength={320} value={email} error={wrong.email} onInput={(value) => { setEmail(value); fix('email'); }} />
          <PasswordField label={words.password} name="password" autocomplete="current-password" value={password} error={wrong.password} onInput={(value) => { setPassword(value); fix('password'); }} />
        </>
      ) : step === 'recovery' ? (
        <TextField key="recovery" label={account.recovery.label} help={account.recovery.help} name="recovery-code" autocomplete="off" maxLength={20} value={code} error={wrong.code} onInput={(value) => { setCode(value); fix('code'); }} />
      ) : (
        <TextField key="code" label={words.code} help={words.codeLead} name="code" autocomplete="one-time-code" inputMode="numeric" maxLength={7} short value={code} error={wrong.code} onInput={(value) => { setCode(value); fix('code'); }} />
      )}
      <Button type="submit" look="primary" wide busy={act.busy} busyLabel={words.busy} disabled={wait > 0}>{step === 'password' ? words.submit : words.codeSubmit}</Button>
      {step !== 'password' ? <Button wide onClick={() => { setCode(''); setWrong({}); setFailed(null); onStep(step === 'code' ? 'recovery' : 'code'); }}>{step === 'code' ? account.recovery.use : account.recovery.useApp}</Button> : null}
      {step !== 'password' ? <Button look="quiet" wide onClick={() => { setPassword(''); setCode(''); setFailed(null); onStep('password'); }}>{words.otherAccount}</Button> : null}
    </form>
  );
}
