/** The parts of one's account: e-mail, password, codes, and where one is signed in. Clients and staff see the same. */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, call, newKey } from '../http.ts';
import { endEverywhere, useSession } from '../session.tsx';
import { account as words } from '../strings/account.ts';
import { shared } from '../strings/shared.ts';
import type { AccountView, Enrolment, SessionLine } from '../types.ts';
import { Await, Badge, Bones, Button, Dialog, lately, Note, ProblemNote, TextField, useAct, useLoad, useToast } from '../ui/index.ts';
import { NewPasswordField, passwordFault, refusedPassword } from './NewPassword.tsx';
import { digits, RecoveryCodes, Totp } from './Totp.tsx';

export function AccountSections() {
  const loaded = useLoad(() => call(api.GET('/account')), []);
  return (
    <Await within of={loaded} bones={<Bones rows={4} />}>
      {(account) => (
        <div class="stack g5">
          <Email account={account} reload={loaded.reload} />
          <Password reload={loaded.reload} />
          <Codes account={account} reload={() => void loaded.reload()} />
          <Sessions />
        </div>
      )}
    </Await>
  );
}

function Section({ title, children }: { title: string; children: ComponentChildren }) {
  const id = useId();
  return <section class="card stack g4" aria-labelledby={id}><h2 id={id}>{title}</h2>{children}</section>;
}

/** Puts the cursor into a field when its form opens, and again when what it holds is refused. */
function useFocus(id: string, open: boolean): () => void {
  const [turn, setTurn] = useState(0);
  useLayoutEffect(() => {
    if (open) document.getElementById(id)?.focus();
  }, [open, turn]);
  return () => setTurn((now) => now + 1);
}

function Buttons({ go, busy, busyLabel, onCancel }: { go: string; busy: boolean; busyLabel: string; onCancel: () => void }) {
  return <div class="cluster g2"><Button type="submit" look="primary" busy={busy} busyLabel={busyLabel}>{go}</Button><Button look="quiet" onClick={onCancel}>{shared.cancel}</Button></div>;
}

function Email({ account, reload }: { account: AccountView; reload: () => Promise<void> }) {
  const [open, setOpen] = useState(false);
  const [email, setEmail] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const asked = useRef(account.new_email);
  if (account.new_email) asked.current = account.new_email;
  const [key, setKey] = useState(newKey);
  const focus = useFocus('account-email', open);
  const refuse = (why: string) => {
    setFault(why);
    focus();
  };
  const act = useAct(async () => {
    try {
      await call(api.POST('/account/email', { params: { header: { 'Idempotency-Key': key } }, body: { email: email.trim() } }));
      await reload();
      setOpen(false);
      setEmail('');
      setKey(newKey());
    } catch (cause) {
      const problem = asProblem(cause);
      const wrong = problem.at('/email');
      if (!wrong) throw problem;
      setKey(newKey());
      refuse(wrong.code === 'same_email' ? words.email.same : words.email.enter);
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    if (/^\S+@\S+$/.test(email.trim())) void act.run();
    else refuse(words.email.enter);
  };
  return (
    <Section title={words.email.title}>
      <p class="said">{words.email.text(account.email)}</p>
      {open ? null : account.new_email ? <Note tone="good" icon="mail" live>{words.email.sent(account.new_email)}</Note>
        : asked.current && asked.current !== account.email ? <Note tone="warn" live>{words.email.halted(asked.current)}</Note> : null}
      {open ? (
        <form class="stack g4" noValidate onSubmit={submit}>
          <TextField id="account-email" label={words.email.label} help={words.email.help} type="email" name="email" autocomplete="email" inputMode="email" maxLength={254} required value={email} error={fault} onInput={(value) => { setEmail(value); setFault(null); setKey(newKey()); }} />
          <ProblemNote problem={act.problem} />
          <Buttons go={words.email.send} busy={act.busy} busyLabel={words.email.sending} onCancel={() => setOpen(false)} />
        </form>
      ) : <div><Button onClick={() => setOpen(true)}>{words.email.change}</Button></div>}
    </Section>
  );
}

function Password({ reload }: { reload: () => Promise<void> }) {
  const session = useSession();
  const say = useToast();
  const [open, setOpen] = useState(false);
  const [password, setPassword] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const focus = useFocus('account-password', open);
  const refuse = (why: string) => {
    setFault(why);
    focus();
  };
  const close = () => {
    setOpen(false);
    setPassword('');
    setFault(null);
  };
  const act = useAct(async () => {
    try {
      await call(api.POST('/account/password', { body: { password } }));
      close();
      say(words.password.saved);
      await reload();
    } catch (cause) {
      const problem = asProblem(cause);
      const wrong = refusedPassword(problem);
      if (!wrong) throw problem;
      refuse(wrong);
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const wrong = passwordFault(password);
    if (wrong) refuse(wrong);
    else void act.run();
  };
  return (
    <Section title={words.password.title}>
      <p>{words.password.text}</p>
      {open ? (
        <form class="stack g4" noValidate onSubmit={submit}>
          <input class="hidden" type="email" name="username" autocomplete="username" value={session.person.email} readOnly tabIndex={-1} aria-hidden="true" />
          <NewPasswordField id="account-password" label={words.password.label} value={password} error={fault} onInput={(value) => { setPassword(value); setFault(null); }} />
          <ProblemNote problem={act.problem} />
          <Buttons go={words.password.save} busy={act.busy} busyLabel={words.password.saving} onCancel={close} />
        </form>
      ) : <div><Button onClick={() => setOpen(true)}>{words.password.change}</Button></div>}
    </Section>
  );
}

type Asked = 'renew' | 'stop' | null;

function Codes({ account, reload }: { account: AccountView; reload: () => void }) {
  const session = useSession();
  const say = useToast();
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null);
  const [shown, setShown] = useState<{ codes: string[]; why: string } | null>(null);
  const [asked, setAsked] = useState<Asked>(null);
  const begin = useAct(async () => setEnrolment(await call(api.POST('/account/totp'))));
  const renew = useAct(async () => {
    setAsked(null);
    const { codes } = await call(api.POST('/account/recovery-codes'));
    setShown({ codes, why: words.factor.renewed });
    reload();
  });
  const stop = useAct(async () => {
    setAsked(null);
    await call(api.DELETE('/account/totp'));
    say(words.factor.stopped);
    reload();
  });
  const kept = () => {
    setShown(null);
    reload();
  };
  if (shown) {
    return (
      <Section title={shared.totp.codesTitle}>
        <Note tone="good" live>{shown.why}</Note>
        <RecoveryCodes codes={shown.codes} organization={session.tenant.name} />
        <div class="noprint"><Button look="primary" onClick={kept}>{shared.totp.kept}</Button></div>
      </Section>
    );
  }
  if (enrolment) {
    return (
      <Section title={words.factor.enrolTitle}>
        <Enrol enrolment={enrolment} onCancel={() => setEnrolment(null)} onDone={(codes) => { setEnrolment(null); setShown({ codes, why: words.factor.started }); reload(); }} />
      </Section>
    );
  }
  const busy = begin.busy || renew.busy || stop.busy;
  return (
    <Section title={words.factor.title}>
      <p>{account.second_factor_required ? words.factor.staff : account.second_factor ? words.factor.on : words.factor.off}</p>
      {account.second_factor ? <p class={account.recovery_codes_left < 4 ? 'strong' : 'soft'}>{words.factor.left(account.recovery_codes_left)}</p> : null}
      <ProblemNote problem={begin.problem ?? renew.problem ?? stop.problem} />
      <div class="cluster g2">
        <Button busy={begin.busy} onClick={() => void begin.run()}>{account.second_factor ? words.factor.replace : words.factor.begin}</Button>
        {account.second_factor ? <Button busy={renew.busy} disabled={busy} onClick={() => (account.recovery_codes_left ? setAsked('renew') : void renew.run())}>{words.factor.renew}</Button> : null}
        {account.second_factor && !account.second_factor_required ? <Button look="quiet" busy={stop.busy} disabled={busy} onClick={() => setAsked('stop')}>{words.factor.stop}</Button> : null}
      </div>
      <Dialog open={asked === 'renew'} onClose={() => setAsked(null)} title={words.factor.renewTitle} actions={<><Button look="primary" onClick={() => void renew.run()}>{words.factor.renewGo}</Button><Button onClick={() => setAsked(null)}>{shared.cancel}</Button></>}>
        <p>{words.factor.renewBody}</p>
      </Dialog>
      <Dialog open={asked === 'stop'} onClose={() => setAsked(null)} title={words.factor.stopTitle} actions={<><Button look="danger" onClick={() => void stop.run()}>{words.factor.stop}</Button><Button onClick={() => setAsked(null)}>{shared.cancel}</Button></>}>
        <p>{words.factor.stopBody}</p>
      </Dialog>
    </Section>
  );
}

function Enrol({ enrolment, onDone, onCancel }: { enrolment: Enrolment; onDone: (codes: string[]) => void; onCancel: () => void }) {
  const [code, setCode] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const focus = useFocus('account-code', true);
  const refuse = (why: string) => {
    setFault(why);
    focus();
  };
  const act = useAct(async () => {
    try {
      onDone((await call(api.POST('/account/totp/confirmation', { body: { code: digits(code) ?? '' } }))).codes);
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.status === 422) refuse(shared.totp.wrongCode);
      else if (problem.code === 'enrolment_over') setOver(true);
      else throw problem;
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    if (digits(code)) void act.run();
    else refuse(shared.totp.enterCode);
  };
  return (
    <form class="stack g4" noValidate onSubmit={submit}>
      <Totp id="account-code" secret={enrolment.secret} uri={enrolment.uri} code={code} error={fault} onCode={(value) => { setCode(value); setFault(null); }} />
      {over ? <Note tone="warn" live>{words.factor.over}</Note> : <ProblemNote problem={act.problem} />}
      <Buttons go={words.factor.confirm} busy={act.busy} busyLabel={words.factor.confirming} onCancel={onCancel} />
    </form>
  );
}

function nameOf(line: SessionLine): string {
  if (line.browser && line.system) return words.sessions.on(line.browser, line.system);
  if (line.program) return words.sessions.program;
  return line.browser ?? line.system ?? words.sessions.browser;
}

function Sessions() {
  const say = useToast();
  const loaded = useLoad(() => call(api.GET('/sessions')), []);
  const [asked, setAsked] = useState(false);
  const ending = useAct(async (line: SessionLine) => {
    try {
      await call(api.DELETE('/sessions/{session_id}', { params: { path: { session_id: line.session_id } } }));
    } catch (cause) {
      if (asProblem(cause).status !== 404) throw cause; // it has ended by itself meanwhile
    }
    say(words.sessions.ended);
    await loaded.reload();
  });
  const { roles } = useSession();
  const leaving = useAct(endEverywhere);
  return (
    <Section title={words.sessions.title}>
      <Await within of={loaded} bones={<Bones rows={2} card={false} />}>
        {(found) => (
          <ul class="stack g4">
            {found.items.map((line) => (
              <li key={line.session_id} class="place">
                <div class="stack g1">
                  <p class="strong">{nameOf(line)}</p>
                  <p class="small soft">{words.sessions.started(lately(line.started_at))}{line.here ? null : <><br />{words.sessions.seen(lately(line.seen_at))}</>}</p>
                </div>
                {line.here ? <Badge tone="good">{words.sessions.here}</Badge> : <Button mini busy={ending.busy} onClick={() => void ending.run(line)}>{words.sessions.end}<span class="hidden">{words.sessions.endOf(nameOf(line))}</span></Button>}
              </li>
            ))}
          </ul>
        )}
      </Await>
      <p class="small soft">{words.sessions.unknown}</p>
      <ProblemNote problem={ending.problem ?? leaving.problem} />
      <div><Button icon="exit" busy={leaving.busy} onClick={() => setAsked(true)}>{words.sessions.everywhere}</Button></div>
      <Dialog open={asked} onClose={() => setAsked(false)} title={words.sessions.everywhereTitle} actions={<><Button look="danger" busy={leaving.busy} onClick={() => { setAsked(false); void leaving.run(); }}>{words.sessions.everywhere}</Button><Button onClick={() => setAsked(false)}>{shared.cancel}</Button></>}>
        <p>{words.sessions.everywhereBody}</p>
        {roles.includes('administrator') ? <p>{words.sessions.everywherePrograms}</p> : null}
      </Dialog>
    </Section>
  );
}
