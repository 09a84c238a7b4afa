/** What the organization may do now, above every staff page while it is not simply active. */
import { useSession } from '../session.tsx';
import { organization } from '../strings/organization.ts';
import { LinkButton, Note, longDay } from '../ui/index.ts';

const words = organization.standing;

export function StandingBanner() {
  const { standing, roles, tenant } = useSession();
  const administrator = roles.includes('administrator');
  if (!standing || standing.standing === 'active') return null;
  const date = standing.until ? longDay(standing.until, tenant.zone) : '';
  if (standing.standing === 'trial') {
    if (!administrator) return null;
    return (
      <Note tone="info" icon="clock" action={<LinkButton mini href="/staff/organization/client-portal/subscription">{words.action}</LinkButton>}>
        <strong>{words.trial(date)}</strong> {words.trialText}
      </Note>
    );
  }
  return (
    <Note tone="warn" icon="lock">
      <strong>{standing.trial_over ? words.trialOver(date) : words.suspended}</strong> {words.pausedText} {administrator ? words.askUs : words.askAdministrator}
    </Note>
  );
}
