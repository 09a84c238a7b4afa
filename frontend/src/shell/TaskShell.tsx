/** The frame of one task (a form, signing): no tabs, a bar with the way out, a foot with the one action. */
import type { ComponentChildren } from 'preact';
import { useSessionState } from '../session.tsx';
import { Icon, OfflineNote, useBodyClass } from '../ui/index.ts';
import { CrisisLine, SkipLink } from './shells.tsx';
import type { Tenant } from '../types.ts';

interface TaskShellProps {
  /** The way out, at the left of the bar. */
  out?: { href: string; label: string; onClick?: (event: MouseEvent) => void } | null;
  /** At the right of the bar: the state of saving. */
  status?: ComponentChildren;
  foot?: ComponentChildren;
  /** Shows the crisis line under the content (client tasks). */
  tenant?: Tenant | null;
  staff?: boolean;
  /** What to say while there is no connection, where nothing is written. */
  offline?: string;
  children: ComponentChildren;
}

export function TaskShell({ out, status, foot, tenant, staff, offline, children }: TaskShellProps) {
  const state = useSessionState();
  useBodyClass(staff ? 'task staffdense' : 'task');
  const shown = tenant === undefined && state.status === 'ready' && state.session.kind === 'client' ? state.session.tenant : tenant;
  return (
    <>
      <SkipLink />
      <header class="bar">
        {out ? <a class="btn quiet mini" href={out.href} onClick={out.onClick}><Icon name="left" />{out.label}</a> : null}
        {status ? <span class="push">{status}</span> : null}
      </header>
      <main id="main" tabIndex={-1}>
        <OfflineNote text={offline} />
        {children}
        {shown ? <CrisisLine tenant={shown} /> : null}
      </main>
      {foot ? <footer class="foot">{foot}</footer> : null}
    </>
  );
}
