/** "I forgot my password": asks for the address, and says the same whatever there is at it. */
import { useRoute } from 'preact-iso';
import { useLayoutEffect, useState } from 'preact/hooks';
import { Frame } from '../account/Linked.tsx';
import { api, call } from '../http.ts';
import { account } from '../strings/account.ts';
import { shared } from '../strings/shared.ts';
import type { Kind, Tenant } from '../types.ts';
import { Bones, Button, LinkButton, LoadFailed, Note, ProblemNote, TextField, useAct, useBodyClass, useLoad, WithPhone } from '../ui/index.ts';

const words = account.forgot;

export default function Forgot() {
  const { params, path } = useRoute() as { params: Record<string, string>; path: string };
  const slug = params.slug ?? '';
  const tenant = useLoad(() => call(api.GET('/tenants/{slug}', { params: { path: { slug } } })), [slug]);
  useBodyClass('door');
  if (tenant.problem) return <main id="main"><LoadFailed problem={tenant.problem} onRetry={() => void tenant.reload()} /></main>;
  if (!tenant.data) return <main id="main"><Bones rows={2} card={false} /></main>;
  return <Ask tenant={tenant.data} kind={path.endsWith('/staff/forgot') ? 'staff' : 'client'} />;
}

function Ask({ tenant, kind }: { tenant: Tenant; kind: Kind }) {
  const [email, setEmail] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  const [sent, setSent] = useState<string | null>(null);
  useLayoutEffect(() => {
    if (turn) document.getElementById('forgot-email')?.focus();
  }, [turn]);
  const act = useAct(async () => {
    await call(api.POST('/password-resets', { body: { slug: tenant.slug, kind, email: email.trim() } }));
    setSent(email.trim());
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const wrong = !/^\S+@\S+$/.test(email.trim());
    setFault(wrong ? account.email.enter : null);
    if (wrong) setTurn(turn + 1);
    else void act.run();
  };
  const door = kind === 'staff' ? `/${tenant.slug}/staff` : `/${tenant.slug}`;
  const limited = act.problem?.status === 429 ? words.tooMany(shared.waitSeconds(act.problem.retryAfter ?? 60)) : null;
  if (sent) {
    return (
      <Frame tenant={tenant} title={words.sentTitle}>
        <p class="said">{words.sent(sent)}</p>
        <div class="stack g2 small soft">
          <p>{words.nothing}</p>
          {kind === 'client' ? <p>{words.invited}</p> : null}
          <p><WithPhone text={words.phone(tenant.phone)} phone={tenant.phone} /></p>
        </div>
        <LinkButton wide href={door}>{words.back}</LinkButton>
      </Frame>
    );
  }
  return (
    <Frame tenant={tenant} title={words.title} lead={words.lead}>
      <form class="stack g5" noValidate onSubmit={submit}>
        {limited ? <Note tone="warn" icon="clock" live>{limited}</Note> : <ProblemNote problem={act.problem} />}
        <TextField id="forgot-email" label={words.email} type="email" name="email" autocomplete="username" inputMode="email" maxLength={254} value={email} error={fault} onInput={(value) => { setEmail(value); setFault(null); }} />
        <Button type="submit" look="primary" wide busy={act.busy} busyLabel={words.sending}>{words.send}</Button>
      </form>
      <p class="small"><a href={door}>{words.back}</a></p>
    </Frame>
  );
}
