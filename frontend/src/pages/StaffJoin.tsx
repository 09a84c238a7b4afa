/** The page behind a staff member's mailed link: a password, an authenticator app, and in. */
import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { useToken } from '../account/Linked.tsx';
import { digits, Totp } from '../account/Totp.tsx';
import { api, asProblem, call } from '../http.ts';
import { keep } from '../keep.ts';
import { adopt } from '../session.tsx';
import { Mark } from '../shell/Mark.tsx';
import { useBrand } from '../shell/shells.tsx';
import { organization } from '../strings/organization.ts';
import type { StaffLink } from '../types.ts';
import { Bones, Button, Facts, Heading, LinkButton, LoadFailed, PasswordField, ProblemNote, useAct, useBodyClass, useLoad } from '../ui/index.ts';

const words = organization.join;
const KEPT = 'staff-link';

export default function StaffJoin() {
  const token = useToken(KEPT);
  useBodyClass('door');
  const found = useLoad(() => (token ? call(api.POST('/staff-invitations/lookup', { body: { token } })) : Promise.resolve(null)), [token]);
  useBrand(found.data?.tenant ?? null);
  if (!token || found.problem?.status === 404 || found.problem?.status === 422) return <Told state="unknown" link={null} />;
  if (found.problem) return <main id="main"><LoadFailed problem={found.problem} onRetry={() => void found.reload()} /></main>;
  if (!found.data) return <main id="main"><p class="hidden" role="status">{words.looking}</p><Bones rows={3} card={false} /></main>;
  if (found.data.state !== 'open') return <Told state={found.data.state === 'expired' && found.data.first ? 'expiredFirst' : found.data.state} link={found.data} />;
  return <Steps token={token} link={found.data} onClosed={() => void found.reload()} />;
}

function Head({ link, title, lead, step }: { link: StaffLink | null; title: string; lead?: string; step?: number }) {
  return (
    <header>
      <div class="stack g4">
        <Mark logo={link?.tenant.logo} />
        <div class="stack g1"><p class="soft">{link?.tenant.name}{step ? ` · ${words.step(step, 2)}` : ''}</p><Heading move={title}>{title}</Heading></div>
        {lead && <p class="soft">{lead}</p>}
      </div>
    </header>
  );
}

function Told({ state, link }: { state: string; link: StaffLink | null }) {
  const [title, text] = words.states[state] ?? words.states.unknown!;
  return (
    <>
      <Head link={link} title={title} />
      <main id="main" tabIndex={-1}>
        <p>{text}</p>
        {state === 'expiredFirst' ? <LinkButton wide look="primary" href="/start">{words.toStart}</LinkButton>
          : link ? <LinkButton wide look={state === 'used' ? 'primary' : 'plain'} href={`/${link.tenant.slug}/staff`}>{words.toSignIn}</LinkButton> : null}
      </main>
    </>
  );
}

function Steps({ token, link, onClosed }: { token: string; link: StaffLink; onClosed: () => void }) {
  const { route } = useLocation();
  const fresh = link.purpose === 'staff_invitation';
  const [password, setPassword] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const [offer, setOffer] = useState<{ secret: string; uri: string } | null>(null);
  const [code, setCode] = useState('');
  const closed = (status: number, codeOf: string) => status === 404 || codeOf === 'link_used' || codeOf === 'link_expired';

  const next = useAct(async () => {
    setFault(null);
    try {
      setOffer(await call(api.POST('/staff-invitations/second-factor', { body: { token, password } })));
    } catch (cause) {
      const problem = asProblem(cause);
      if (closed(problem.status, problem.code)) onClosed();
      else if (problem.code === 'proof_failed') setFault(words.wrongPassword);
      else if (problem.at('/password')) setFault(problem.at('/password')!.detail);
      else throw problem;
    }
  });
  const finish = useAct(async () => {
    const six = digits(code);
    setFault(six ? null : words.enterCode);
    if (!six) return;
    try {
      const session = await call(api.POST('/staff-invitations/redemption', { body: { token, password, code: six } }));
      keep(KEPT, null);
      adopt(session);
      route('/staff', true);
    } catch (cause) {
      const problem = asProblem(cause);
      if (closed(problem.status, problem.code)) return onClosed();
      if (problem.code !== 'proof_failed') throw problem;
      setCode('');
      setFault(words.wrongCode);
    }
  });
  const submit = (act: { run: () => unknown }) => (event: Event) => { event.preventDefault(); void act.run(); };

  if (offer) {
    return (
      <>
        <Head link={link} title={words.factorTitle} lead={words.factorLead} step={2} />
        <main id="main" tabIndex={-1}>
          <form class="stack g5" noValidate onSubmit={submit(finish)}>
            <Totp secret={offer.secret} uri={offer.uri} code={code} onCode={(value) => { setCode(value); setFault(null); }} error={fault} id="join-code" />
            <ProblemNote problem={finish.problem} />
            <Button type="submit" look="primary" wide busy={finish.busy} busyLabel={words.finishing}>{words.finish[link.purpose]}</Button>
            <Button look="quiet" wide onClick={() => { setOffer(null); setFault(null); }}>{words.back}</Button>
          </form>
        </main>
      </>
    );
  }
  const lead = !fresh ? words.leadReset : link.first ? words.leadFirst(link.tenant.name) : words.lead(link.tenant.name);
  return (
    <>
      <Head link={link} title={words.title[link.purpose] ?? ''} lead={lead} step={1} />
      <main id="main" tabIndex={-1}>
        <form class="stack g5" noValidate onSubmit={submit(next)}>
          <section class="card stack g3" aria-labelledby="you"><h2 id="you">{words.you}</h2><Facts rows={[[words.name, link.name ?? ''], [words.email, link.email ?? '']]} /></section>
          <input class="hidden" type="email" name="username" autocomplete="username" value={link.email ?? ''} readOnly tabIndex={-1} aria-hidden="true" />
          <PasswordField id="join-password" label={fresh ? words.password : words.ownPassword} help={fresh ? words.passwordHelp : undefined} autocomplete={fresh ? 'new-password' : 'current-password'} name="password" required value={password} error={fault} onInput={(value) => { setPassword(value); setFault(null); }} />
          <ProblemNote problem={next.problem} />
          <Button type="submit" look="primary" wide busy={next.busy} busyLabel={words.checking}>{words.next}</Button>
        </form>
      </main>
    </>
  );
}
