/** What the pages behind mailed links share: the token, whose organization it is, and what the link is worth. */
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { keep, recall } from '../keep.ts';
import { CrisisLine, useBrand } from '../shell/shells.tsx';
import { shared } from '../strings/shared.ts';
import type { LinkOffer, Tenant } from '../types.ts';
import { Bones, Heading, Icon, LinkButton, LoadFailed, useBodyClass, type Loaded } from '../ui/index.ts';

/** The token leaves the address bar at once; this tab remembers it so that a reload does not lose the way in.
 * `onOther`: it is another one than this tab remembered. */
export function useToken(name: string, onOther?: () => void): string | null {
  const token = useMemo(() => {
    const found = location.hash.slice(1).replace(/[^\w-]+$/, ''); // a full stop or bracket that was copied along
    if (!found) return recall<string>(name);
    if (found !== recall<string>(name)) onOther?.();
    keep(name, found);
    history.replaceState(null, '', location.pathname);
    return found;
  }, []);
  useEffect(() => {
    const again = () => {
      if (location.hash.length > 1) location.reload();
    };
    addEventListener('hashchange', again);
    return () => removeEventListener('hashchange', again);
  }, []);
  return token;
}

export function Frame({ tenant, title, lead, children }: { tenant: Tenant | null; title: string; lead?: string; children?: ComponentChildren }) {
  useBodyClass('door');
  useBrand(tenant);
  return (
    <>
      <header><div class="stack g4"><span class="mark"><Icon name="sprout" /></span><div class="stack g1">{tenant ? <p class="soft">{tenant.name}</p> : null}<Heading move={title}>{title}</Heading></div>{lead ? <p class="soft">{lead}</p> : null}</div></header>
      <main id="main" tabIndex={-1}>{children}{tenant ? <CrisisLine tenant={tenant} /> : null}</main>
    </>
  );
}

/** The sign-in page of this kind of person. */
export function doorOf(offer: Pick<LinkOffer, 'kind' | 'tenant'>): string {
  return offer.kind === 'staff' ? `/${offer.tenant.slug}/staff` : `/${offer.tenant.slug}`;
}

interface States { used: Said; expired: Said; unknown: Said; none: Said }
interface Said { title: string; text: string }

/** What is shown instead of the page when the link opens nothing; null while it does. */
export function closed(token: string | null, loaded: Loaded<LinkOffer | null>, states: States, looking: string, again?: (offer: LinkOffer) => ComponentChildren): ComponentChildren | null {
  const told = (said: Said) => <Frame tenant={null} title={said.title}><p>{said.text}</p><LinkButton wide href="/">{shared.failure.goHome}</LinkButton></Frame>;
  if (!token) return told(states.none);
  if (loaded.problem?.status === 404 || loaded.problem?.status === 422) return told(states.unknown);
  if (loaded.problem) return <main id="main"><LoadFailed problem={loaded.problem} onRetry={() => void loaded.reload()} /></main>;
  if (!loaded.data) return <main id="main"><p class="hidden" role="status">{looking}</p><Bones rows={2} card={false} /></main>;
  if (loaded.data.state === 'open') return null;
  const said = states[loaded.data.state];
  return <Frame tenant={loaded.data.tenant} title={said.title}><p>{said.text}</p>{again?.(loaded.data)}</Frame>;
}
