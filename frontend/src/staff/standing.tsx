/** What the organization may do now, and whom to ask, above every staff page while it is not simply active. */
import type { ComponentChildren } from 'preact';
import { useSession } from '../session.tsx';
import { organization } from '../strings/organization.ts';
import { LinkButton, Note, longDay } from '../ui/index.ts';

const words = organization.standing;

/** Whether something new can be begun: a page need not offer what would be refused. */
export function usePaused(): boolean {
  return useSession().standing?.standing === 'suspended';
}

/** Whom to ask: the operator's address or page, as the stage names it. */
function Ask({ contact, of }: { contact: string | null; of: string }): ComponentChildren {
  if (!contact) return <>{words.askNobody}</>;
  if (contact.startsWith('https://')) return <><a href={contact} target="_blank" rel="noopener">{words.askPage}</a>.</>;
  return <>{words.ask} <a href={`mailto:${contact}?subject=${encodeURIComponent(words.mailSubject(of))}`}>{contact}</a>.</>;
}

export function StandingBanner() {
  const { standing, roles, tenant } = useSession();
  const administrator = roles.includes('administrator');
  if (!standing || standing.standing === 'active') return null;
  const date = standing.until ? longDay(standing.until, tenant.zone) : '';
  const ask = <Ask contact={standing.contact} of={tenant.name} />;
  if (standing.standing === 'trial') {
    if (!administrator) return null;
    return (
      <Note tone="info" icon="clock" action={<LinkButton mini href="/staff/organization/client-portal/subscription">{words.action}</LinkButton>}>
        <strong>{words.trial(date)}</strong> {words.trialText} {ask}
      </Note>
    );
  }
  return (
    <Note tone="warn" icon="lock">
      <strong>{standing.trial_over ? words.trialOver(date) : words.suspended}</strong> {words.pausedText} {administrator ? <>{words.askUs} {ask}</> : words.askAdministrator}
    </Note>
  );
}
