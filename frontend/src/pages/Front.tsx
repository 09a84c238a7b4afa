/** The address without a practice, and addresses that lead nowhere. */
import { useLocation } from 'preact-iso';
import { useLayoutEffect } from 'preact/hooks';
import { api, call } from '../http.ts';
import { organization } from '../keep.ts';
import { useSessionState } from '../session.tsx';
import { client } from '../strings/client.ts';
import { shared } from '../strings/shared.ts';
import { Bones, Heading, Icon, LinkButton, useBodyClass, useLoad, WithPhone } from '../ui/index.ts';

/** The start page: those who are signed in go on to their own, others are told where to sign in. */
export function Front() {
  const state = useSessionState();
  const { route } = useLocation();
  useBodyClass('door');
  const offer = useLoad(() => call(api.GET('/practice-sign-up')), []);
  const kind = state.status === 'ready' ? state.session.kind : null;
  useLayoutEffect(() => {
    if (kind) route(kind === 'staff' ? '/staff' : '/home', true);
  }, [kind]);
  if (state.status === 'loading' || kind) return <main id="main"><Bones rows={2} card={false} /></main>;
  const slug = organization();
  return (
    <>
      <header><div class="stack g4"><span class="mark"><Icon name="sprout" /></span><Heading>{client.front.title}</Heading></div></header>
      <main id="main" tabIndex={-1}>
        <div class="stack g3">
          <p>{client.front.lead} {client.front.how}</p>
          <p class="soft">{client.front.lost}</p>
        </div>
        {slug ? <LinkButton look="primary" wide href={`/${slug}`}>{client.front.toSignIn}</LinkButton> : null}
        <LinkButton wide icon="shield" href="/verify">{client.front.verify}</LinkButton>
        {offer.data?.open ? <p class="small"><a href="/start">{client.front.start}</a></p> : null}
        <p class="tiny faint"><WithPhone text={client.crisis.line} phone="911" /> <a href="tel:988">Call 988</a> <span aria-hidden="true">·</span> <a href="sms:988">Text 988</a></p>
      </main>
    </>
  );
}

/** An address that leads nowhere, said kindly. Used by every router's default route. */
export function NotFound() {
  const state = useSessionState();
  useBodyClass('task');
  const home = state.status !== 'ready' ? '/' : state.session.kind === 'staff' ? '/staff' : '/home';
  return (
    <main id="main" tabIndex={-1}>
      <div class="empty">
        <span class="glyph"><Icon name="search" /></span>
        <Heading>{shared.failure.notFoundTitle}</Heading>
        <p class="small">{shared.failure.notFound}</p>
        <LinkButton look="primary" href={home}>{shared.failure.goHome}</LinkButton>
      </div>
    </main>
  );
}
