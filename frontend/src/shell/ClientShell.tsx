/** The frame of a client's pages: bottom tabs on a phone, a left navigation from 960 px. */
import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useNews } from '../messages/news.ts';
import { useSession } from '../session.tsx';
import { client } from '../strings/client.ts';
import { messages } from '../strings/messages.ts';
import { shared } from '../strings/shared.ts';
import { Avatar, Icon, OfflineNote, useBodyClass, type IconName } from '../ui/index.ts';
import { Letterhead } from './Mark.tsx';
import { Brand, CrisisLine, SignOutButton, SkipLink } from './shells.tsx';

/** `dock`: one of the five at the foot of a phone; the others are reached from the account there. */
const MENU: { href: string; label: string; icon: IconName; dock?: boolean }[] = [
  { href: '/home', label: client.nav.home, icon: 'home', dock: true },
  { href: '/appointments', label: client.nav.appointments, icon: 'calendar', dock: true },
  { href: '/messages', label: messages.nav, icon: 'message', dock: true },
  { href: '/forms', label: client.nav.forms, icon: 'form', dock: true },
  { href: '/payments', label: client.nav.payments, icon: 'card', dock: true },
  { href: '/documents', label: client.nav.documents, icon: 'folder' },
  { href: '/profile', label: client.nav.profile, icon: 'person' },
];

export function ClientShell({ children }: { children: ComponentChildren }) {
  const { path } = useLocation();
  const session = useSession();
  const { unread } = useNews();
  useBodyClass('client');
  const count = unread > 0 ? <span class="count">{unread >= 100 ? messages.most : unread}<span class="hidden"> {messages.unread(unread)}</span></span> : null;
  const items = (menu: typeof MENU) => menu.map((item) => (
    <li key={item.href}><a href={item.href} aria-current={path === item.href || path.startsWith(`${item.href}/`) ? 'page' : undefined}><Icon name={item.icon} />{item.label}{item.href === '/messages' ? count : null}</a></li>
  ));
  return (
    <>
      <SkipLink />
      <header class="bar">
        <Brand href="/home" tenant={session.tenant} />
        <a class="push plain" href="/account"><Avatar letters={session.person.initials} size="s" /><span class="hidden">{shared.account(session.person.name)}</span></a>
      </header>
      <nav class="side" aria-label={shared.nav.wide}>
        <Brand href="/home" tenant={session.tenant} />
        <ul class="stack g1">{items(MENU)}</ul>
        <div class="stack g2"><a class="line who plain" href="/account" aria-current={path === '/account' ? 'page' : undefined}><Avatar letters={session.person.initials} size="s" /><span class="tiny"><span class="strong">{session.person.name}</span><br /><span class="soft">{shared.security}</span></span></a><SignOutButton mini /></div>
      </nav>
      <main id="main" tabIndex={-1}>
        <Letterhead tenant={session.tenant} />
        <OfflineNote />
        {children}
        <CrisisLine tenant={session.tenant} />
      </main>
      <nav class="dock" aria-label={shared.nav.small}><ul>{items(MENU.filter((item) => item.dock))}</ul></nav>
    </>
  );
}
