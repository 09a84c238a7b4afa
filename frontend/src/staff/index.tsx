/** The staff pages and their routes, inside the staff frame. Loaded only once a staff member is signed in. */
import { Route, Router } from 'preact-iso';
import { useSession } from '../session.tsx';
import { StaffShell, type MenuItem } from '../shell/StaffShell.tsx';
import { staff } from '../strings/staff.ts';
import { ClientDetails } from './client/details.tsx';
import { DocumentPage } from './client/document.tsx';
import { InvitePage } from './client/invite.tsx';
import { SummaryPage } from './client/summary.tsx';
import { Clients } from './clients.tsx';
import { Elsewhere } from './elsewhere.tsx';
import { JobPage } from './inviting/job.tsx';
import { ManyPage } from './inviting/many.tsx';
import { FormPreviewPage } from './organization/form.tsx';
import { ClientPortal } from './organization/portal.tsx';
import { Today } from './today.tsx';
import './staff.css';

const MENU: MenuItem[] = [
  { href: '/staff', label: staff.menu.today, icon: 'home', exact: true },
  { href: '/staff/clients', label: staff.menu.clients, icon: 'people' },
  {
    href: '/staff/organization/client-portal', label: staff.menu.organization, icon: 'building',
    sub: [{ href: '/staff/organization/client-portal', label: staff.menu.clientPortal }],
  },
];

function roleOf(roles: string[]): string {
  const [administrator, therapist] = [roles.includes('administrator'), roles.includes('therapist')];
  if (administrator && therapist) return staff.roles.both;
  return administrator ? staff.roles.administrator : staff.roles.therapist;
}

export default function Staff() {
  const session = useSession();
  return (
    <StaffShell menu={MENU} role={roleOf(session.roles)}>
      <Router>
        <Route path="/" component={Today} />
        <Route path="/clients" component={Clients} />
        <Route path="/invitations" component={ManyPage} />
        <Route path="/invitations/:job_id" component={JobPage} />
        <Route path="/clients/:client_id" component={ClientDetails} />
        <Route path="/clients/:client_id/documents" component={ClientDetails} />
        <Route path="/clients/:client_id/portal" component={ClientDetails} />
        <Route path="/clients/:client_id/invite" component={InvitePage} />
        <Route path="/clients/:client_id/documents/:document_id" component={DocumentPage} />
        <Route path="/clients/:client_id/intakes/:intake_id" component={SummaryPage} />
        <Route path="/organization/client-portal" component={ClientPortal} />
        <Route path="/organization/client-portal/subscription" component={ClientPortal} />
        <Route path="/organization/client-portal/intake-forms" component={ClientPortal} />
        <Route path="/organization/client-portal/e-mail" component={ClientPortal} />
        <Route path="/forms/:form_id" component={FormPreviewPage} />
        <Route default component={Elsewhere} />
      </Router>
    </StaffShell>
  );
}
