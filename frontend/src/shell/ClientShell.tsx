/** The frame of a client's pages: bottom tabs on a phone, a left navigation from 960 px. */
import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useSession } from '../session.tsx';
import { client } from '../strings/client.ts';
import { shared } from '../strings/shared.ts';
import { Avatar, Icon, OfflineNote, useBodyClass, type IconName } from '../ui/index.ts';
import { Letterhead } from './Mark.tsx';
import { Brand, CrisisLine, SignOutButton, SkipLink } from './shells.tsx';

const MENU: { href: string; label: string; icon: IconName }[] = [
  { href: '/home', label: client.nav.home, icon: 'home' },
  { href: '/appointments', label: client.nav.appointments, icon: 'calendar' },
  { href: '/forms', label: client.nav.forms, icon: 'form' },
  { href: '/documents', label: client.nav.documents, icon: 'folder' },
  { href: '/profile', label: client.nav.profile, icon: 'person' },
];

export function ClientShell({ children }: { children: ComponentChildren }) {
  const { path } = useLocation();
  const session = useSession();
  useBodyClass('client');
  const items = MENU.map((item) => (
    <li key={item.href}><a href={item.href} aria-current={path === item.href || path.startsWith(`${item.href}/`) ? 'page' : undefined}><Icon name={item.icon} />{item.label}</a></li>
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
        <ul class="stack g1">{items}</ul>
        <div class="stack g2"><a class="line who plain" href="/account" aria-current={path === '/account' ? 'page' : undefined}><Avatar letters={session.person.initials} size="s" /><span class="tiny"><span class="strong">{session.person.name}</span><br /><span class="soft">{shared.security}</span></span></a><SignOutButton mini /></div>
      </nav>
      <main id="main" tabIndex={-1}>
        <Letterhead tenant={session.tenant} />
        <OfflineNote />
        {children}
        <CrisisLine tenant={session.tenant} />
      </main>
      <nav class="dock" aria-label={shared.nav.small}><ul>{items}</ul></nav>
    </>
  );
}
