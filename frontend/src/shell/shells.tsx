/** What the three shells share: the brand, the account menu, the crisis line, and the watch on a quiet session. */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { canStay, check, left, signOut, sinceAnswer, stay, useSession } from '../session.tsx';
import { client } from '../strings/client.ts';
import { shared } from '../strings/shared.ts';
import type { Tenant } from '../types.ts';
import { Mark } from './Mark.tsx';
import { Button, Dialog, setOrganization, useAct, WithPhone } from '../ui/index.ts';

/** Sets the organization's hue (numbers only, through CSSOM) and its name in every page title, unless it is discreet:
 * titles stay in a browser's history. */
export function useBrand(tenant: Pick<Tenant, 'name' | 'brand' | 'discreet'> | null): void {
  const hue = tenant?.brand.hue;
  const chroma = tenant?.brand.chroma;
  useLayoutEffect(() => {
    setOrganization(tenant && !tenant.discreet ? tenant.name : '');
    const style = document.documentElement.style;
    if (typeof hue === 'number' && typeof chroma === 'number') {
      style.setProperty('--brand-h', String(((hue % 360) + 360) % 360));
      style.setProperty('--brand-c', String(Math.min(0.1, Math.max(0, chroma))));
    } else {
      style.removeProperty('--brand-h');
      style.removeProperty('--brand-c');
    }
  }, [tenant?.name, hue, chroma]);
}

export function Brand({ href, tenant }: { href: string; tenant: Pick<Tenant, 'name' | 'logo'> }) {
  return <a class="brand" href={href}><Mark logo={tenant.logo} /><span class="brandname">{tenant.name}</span></a>;
}

export function SkipLink() {
  return <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.querySelector<HTMLElement>('#main h1, #main')?.focus(); }}>{shared.skip}</a>;
}

export function SignOutButton({ mini, wide }: { mini?: boolean; wide?: boolean }) {
  const act = useAct(signOut);
  return (
    <>
      <Button look="quiet" icon="exit" mini={mini} wide={wide} busy={act.busy} busyLabel={shared.signingOut} onClick={() => void act.run()}>{shared.signOut}</Button>
      {act.problem ? <p class="tiny" role="alert">{act.problem.title}</p> : null}
    </>
  );
}

/** The quiet line about crisis help, on every client page. Numbers are the organization's own. */
export function CrisisLine({ tenant }: { tenant: Pick<Tenant, 'crisis'> }) {
  return (
    <p class="tiny faint crisisline">
      <WithPhone text={client.crisis.line} phone="911" />{' '}
      {tenant.crisis.numbers.map((number, index, all) => <span key={number.href} class="nb"><a href={number.href}>{number.label}</a>{index < all.length - 1 ? <span aria-hidden="true"> · </span> : null}</span>)}
    </p>
  );
}

const MINUTE = 60_000;

/** Warns before a quiet session ends, counts down, keeps it alive while the person is there. Renders nothing else. */
export function IdleWatch() {
  const session = useSession();
  const [remaining, setRemaining] = useState(Infinity);
  const [failed, setFailed] = useState(false);
  const asking = useRef(false);
  const warnAt = Math.min(2 * MINUTE, (session.idle_seconds * 1000) / 4);

  useEffect(() => {
    const look = () => {
      const now = left();
      setRemaining(now);
      if (now <= 0 && !asking.current) {
        asking.current = true;
        check().then(() => setFailed(false), () => setFailed(true)).finally(() => setTimeout(() => (asking.current = false), 2000));
      }
    };
    // Being there counts: a press, a key or a scroll tells the server at most once a minute, and not while the warning is open.
    const present = () => {
      if (left() > warnAt && sinceAnswer() > MINUTE && !asking.current) {
        asking.current = true;
        stay().then(() => setFailed(false), () => {}).finally(() => setTimeout(() => (asking.current = false), 15_000));
      }
    };
    const timer = setInterval(look, 1000);
    const kinds = ['pointerdown', 'keydown', 'scroll'] as const;
    for (const kind of kinds) addEventListener(kind, present, { passive: true, capture: true });
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      for (const kind of kinds) removeEventListener(kind, present, { capture: true });
      document.removeEventListener('visibilitychange', look);
    };
  }, [warnAt]);

  const staying = useAct(async () => {
    await stay();
    setRemaining(left());
  });
  const leaving = useAct(signOut);
  const seconds = Math.max(0, Math.ceil(remaining / 1000));
  const open = remaining <= warnAt;
  return (
    <Dialog
      open={open}
      onClose={() => void staying.run()}
      title={shared.idle.title}
      actions={<>
        {canStay() ? <Button look="primary" busy={staying.busy} onClick={() => void staying.run()}>{shared.idle.stay}</Button> : null}
        <Button look="quiet" busy={leaving.busy} onClick={() => void leaving.run()}>{shared.idle.leave}</Button>
      </>}
    >
      <p aria-hidden="true" class="num">{shared.idle.body(shared.waitSeconds(seconds))}</p>
      <p class="hidden" role="status">{open ? shared.idle.body(shared.waitSeconds(seconds > 60 ? Math.ceil(seconds / 60) * 60 : seconds > 20 ? 60 : 20)) : ''}</p>
      {failed || staying.problem ? <p class="small" role="alert">{shared.idle.failed}</p> : null}
    </Dialog>
  );
}

export function Page({ children, class: className }: { children: ComponentChildren; class?: string }) {
  return <main id="main" class={className}>{children}</main>;
}
