/** The frame of staff pages: left navigation from 960 px, bottom tabs on phones. */
import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useSession } from '../session.tsx';
import { shared } from '../strings/shared.ts';
import { Avatar, Icon, OfflineNote, useBodyClass, useTabInSight, type IconName } from '../ui/index.ts';
import { Letterhead } from './Mark.tsx';
import { Brand, SignOutButton, SkipLink } from './shells.tsx';

export interface MenuItem {
  href: string;
  label: string;
  icon: IconName;
  /** Matches only this exact path, not what lies below it. */
  exact?: boolean;
  /** Other places that belong to it: they and what lies below them count as this entry. */
  also?: string[];
  /** A number beside the word, with what it counts for those who hear it. */
  count?: { n: number; of: string };
  sub?: { href: string; label: string; also?: string[] }[];
}

function current(path: string, item: { href: string; exact?: boolean; also?: string[] }): boolean {
  const places = [...(item.exact ? [] : [item.href]), ...(item.also ?? [])];
  return path === item.href || places.some((place) => path === place || path.startsWith(`${place}/`));
}

/** `menu` and `role` come from the staff pages, so that their words stay in strings/staff.ts. */
export function StaffShell({ menu, role, above, children, mainClass = 'stack g5' }: { menu: MenuItem[]; role: string; above?: ComponentChildren; children: ComponentChildren; mainClass?: string }) {
  const { path } = useLocation();
  const session = useSession();
  useBodyClass('staff');
  const within = menu.find((item) => item.sub?.some((entry) => current(path, entry)));
  const tabs = useTabInSight<HTMLElement>(path);
  const badge = (item: MenuItem) => item.count && item.count.n > 0
    ? <span class="count">{item.count.n}<span class="hidden"> {item.count.of}</span></span> : null;
  return (
    <>
      <SkipLink />
      <header class="bar">
        <Brand href="/staff" tenant={session.tenant} />
        <span class="push line"><a class="plain" href="/staff/account"><Avatar letters={session.person.initials} size="s" /><span class="hidden">{shared.account(session.person.name)}</span></a><SignOutButton mini /></span>
      </header>
      <nav class="side" aria-label={shared.nav.wide}>
        <Brand href="/staff" tenant={session.tenant} />
        <ul class="stack g1">
          {menu.map((item) => (
            <li key={item.href}>
              <a href={item.href} aria-current={!item.sub && current(path, item) ? 'page' : undefined}><Icon name={item.icon} />{item.label}{badge(item)}</a>
              {item.sub ? <ul class="sub stack g1">{item.sub.map((entry) => <li key={entry.href}><a href={entry.href} aria-current={current(path, entry) ? 'page' : undefined}>{entry.label}</a></li>)}</ul> : null}
            </li>
          ))}
        </ul>
        <div class="stack g2">
          <a class="line who plain" href="/staff/account" aria-current={path === '/staff/account' ? 'page' : undefined}><Avatar letters={session.person.initials} size="s" /><span class="tiny"><span class="strong">{session.person.name}</span><br /><span class="soft">{role}</span><span class="hidden">, {shared.security}</span></span></a>
          <SignOutButton mini />
        </div>
      </nav>
      <main id="main" tabIndex={-1} class={mainClass}>
        <Letterhead tenant={session.tenant} />
        <OfflineNote />
        {above}
        {within?.sub && within.sub.length > 1 && (
          <nav class="tabs subtabs" aria-label={within.label} ref={tabs}>
            {within.sub.map((entry) => <a key={entry.href} href={entry.href} aria-current={current(path, entry) ? 'page' : undefined}>{entry.label}</a>)}
          </nav>
        )}
        {children}
      </main>
      <nav class="dock" aria-label={shared.nav.small}>
        <ul>
          {menu.map((item) => (
            <li key={item.href}><a href={item.href} aria-current={current(path, item) || item === within ? 'page' : undefined}><Icon name={item.icon} />{item.label}{badge(item)}</a></li>
          ))}
        </ul>
      </nav>
    </>
  );
}
