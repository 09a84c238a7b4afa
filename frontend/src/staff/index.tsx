/** The staff pages and their routes, inside the staff frame. Loaded only once a staff member is signed in. */
import { Route, Router, useLocation } from 'preact-iso';
import { page } from '../chunk.ts';
import { useSession } from '../session.tsx';
import { StaffShell, type MenuItem } from '../shell/StaffShell.tsx';
import { organization } from '../strings/organization.ts';
import { forms } from '../strings/forms.ts';
import { staff } from '../strings/staff.ts';
import { StaffAccount } from './account.tsx';
import { ClientDetails } from './client/details.tsx';
import { EditClientPage, NewClientPage } from './client/edit.tsx';
import { PacketPage } from './client/printed.tsx';
import { DocumentPage } from './client/document.tsx';
import { InvitePage } from './client/invite.tsx';
import { SummaryPage } from './client/summary.tsx';
import { Clients } from './clients.tsx';
import { ImportJobPage, ImportPage } from './imports.tsx';
import { Elsewhere } from './elsewhere.tsx';
import { SendFormsPage } from './client/send.tsx';
import { FormEditorPage } from './organization/editor.tsx';
import { JobPage } from './inviting/job.tsx';
import { ManyPage } from './inviting/many.tsx';
import { FormPreviewPage } from './organization/form.tsx';
import { InviteStaff, STAFF, StaffList } from './organization/people.tsx';
import { StaffPerson } from './organization/person.tsx';
import { ClientPortal } from './organization/portal.tsx';
import { ApiTokensPage, TOKENS } from './organization/tokens.tsx';
import { ProfilePage } from './organization/profile.tsx';
import { StandingBanner } from './standing.tsx';
import { FormVersionsPage } from './organization/versions.tsx';
import { Signups } from './signups.tsx';
import { AppointmentPage } from './calendar/appointment.tsx';
import { AvailabilityPage } from './calendar/availability.tsx';
import { NewAppointmentPage, PickClientPage } from './calendar/form.tsx';
import { GroupPage, NewGroupPage } from './calendar/group.tsx';
import { GroupSeriesPage } from './calendar/groupseries.tsx';
import { OfferPage } from './calendar/offer.tsx';
import { useRequestCount } from './calendar/count.ts';
import { CalendarPage } from './calendar/page.tsx';
import { WaitListPage } from './calendar/waitlist.tsx';
import { SeriesPage } from './calendar/series.tsx';
import { billing } from '../strings/billing.ts';
import { calendar } from '../strings/calendar.ts';
import { Today } from './today.tsx';
import { Unfinished } from './unfinished.tsx';
import { MassJobPage, MassMessagePage, MessagesPage, NewMessagePage, OpenedPage, PickRecipientPage, PrintThreadPage } from './messaging/later.tsx';
import { useNews } from '../messages/news.ts';
import { messages } from '../strings/messages.ts';
import './staff.css';

const PracticeBilling = page(() => import('./billing/practice.tsx'));
const InvoicePage = page(() => import('./billing/invoice.tsx'));
const InvoiceEditor = page(() => import('./billing/editor.tsx'));
const ReceivePage = page(() => import('./billing/receive.tsx'));
const PaymentPage = page(() => import('./billing/payment.tsx'));
const LedgerPage = page(() => import('./billing/ledger.tsx'));

const CALENDAR = '/staff/calendar';
const MESSAGES = '/staff/messages';
const MENU: MenuItem[] = [
  { href: '/staff', label: staff.menu.today, icon: 'home', exact: true },
  { href: '/staff/clients', label: staff.menu.clients, icon: 'people', also: ['/staff/invitations', '/staff/sign-ups'] },
  {
    href: CALENDAR, label: calendar.menu.title, icon: 'calendar',
    sub: [
      { href: '/staff/calendar', label: calendar.menu.title, also: ['/staff/groups'] },
      { href: '/staff/wait-list', label: calendar.waits.menu },
      { href: '/staff/availability', label: calendar.menu.availability },
      { href: '/staff/services', label: calendar.menu.offer },
    ],
  },
  { href: '/staff/messages', label: messages.nav, icon: 'message', also: ['/staff/new-message', '/staff/mass-messages'] },
  { href: '/staff/unfinished', label: forms.unfinished.menu, icon: 'form' },
  {
    href: '/staff/organization/client-portal', label: staff.menu.organization, icon: 'building',
    sub: [
      { href: '/staff/organization/client-portal', label: staff.menu.clientPortal, also: ['/staff/forms'] },
      { href: '/staff/organization/profile', label: organization.menu.profile },
    ],
  },
];
/** An administrator's menu has the staff, billing and the API tokens, too. */
const WITH_STAFF: MenuItem[] = MENU.map((item) => (item.label === staff.menu.organization && item.sub ? { ...item, sub: [item.sub[0]!, { href: STAFF, label: organization.menu.staff }, ...item.sub.slice(1), { href: '/staff/organization/billing', label: billing.menu }, { href: TOKENS, label: organization.menu.tokens }] } : item));

function roleOf(roles: string[]): string {
  const [administrator, therapist] = [roles.includes('administrator'), roles.includes('therapist')];
  if (administrator && therapist) return staff.roles.both;
  return administrator ? staff.roles.administrator : staff.roles.therapist;
}

export default function Staff() {
  const session = useSession();
  const asked = useRequestCount(useLocation().path);
  const { unread } = useNews();
  const counts: Record<string, MenuItem['count']> = {
    [CALENDAR]: { n: asked, of: calendar.requests.count }, [MESSAGES]: { n: unread, of: messages.unread(unread) },
  };
  const menu = (session.roles.includes('administrator') ? WITH_STAFF : MENU).map((item) => ({ ...item, count: counts[item.href] }));
  return (
    <StaffShell menu={menu} role={roleOf(session.roles)} above={<StandingBanner />}>
      <Router>
        <Route path="/" component={Today} />
        <Route path="/clients" component={Clients} />
        <Route path="/clients/new" component={NewClientPage} />
        <Route path="/clients/import" component={ImportPage} />
        <Route path="/clients/import/:job_id" component={ImportJobPage} />
        <Route path="/invitations" component={ManyPage} />
        <Route path="/invitations/:job_id" component={JobPage} />
        <Route path="/clients/:client_id" component={ClientDetails} />
        <Route path="/clients/:client_id/edit" component={EditClientPage} />
        <Route path="/clients/:client_id/intakes/:intake_id/print" component={PacketPage} />
        <Route path="/clients/:client_id/documents" component={ClientDetails} />
        <Route path="/clients/:client_id/portal" component={ClientDetails} />
        <Route path="/clients/:client_id/invite" component={InvitePage} />
        <Route path="/clients/:client_id/documents/:document_id" component={DocumentPage} />
        <Route path="/clients/:client_id/intakes/:intake_id" component={SummaryPage} />
        <Route path="/clients/:client_id/appointments" component={ClientDetails} />
        <Route path="/clients/:client_id/appointments/new" component={NewAppointmentPage} />
        <Route path="/clients/:client_id/series/:series_id" component={SeriesPage} />
        <Route path="/clients/:client_id/appointments/:appointment_id" component={AppointmentPage} />
        <Route path="/clients/:client_id/billing" component={ClientDetails} />
        <Route path="/clients/:client_id/billing/new" component={InvoiceEditor} />
        <Route path="/clients/:client_id/billing/receive" component={ReceivePage} />
        <Route path="/clients/:client_id/billing/ledger" component={LedgerPage} />
        <Route path="/clients/:client_id/billing/invoices/:invoice_id" component={InvoicePage} />
        <Route path="/clients/:client_id/billing/invoices/:invoice_id/edit" component={InvoiceEditor} />
        <Route path="/clients/:client_id/billing/payments/:payment_id" component={PaymentPage} />
        <Route path="/organization/billing" component={PracticeBilling} />
        <Route path="/organization/billing/card-processing" component={PracticeBilling} />
        <Route path="/organization/billing/reconciliation" component={PracticeBilling} />
        <Route path="/organization/billing/settings" component={PracticeBilling} />
        <Route path="/clients/:client_id/messages" component={ClientDetails} />
        <Route path="/clients/:client_id/messages/new" component={NewMessagePage} />
        <Route path="/clients/:client_id/messages/:thread_id/print" component={PrintThreadPage} />
        <Route path="/clients/:client_id/messages/:thread_id/opened" component={OpenedPage} />
        <Route path="/messages/:client_id?/:thread_id?" component={MessagesPage} />
        <Route path="/new-message" component={PickRecipientPage} />
        <Route path="/mass-messages" component={MassMessagePage} />
        <Route path="/mass-messages/:job_id" component={MassJobPage} />
        <Route path="/calendar" component={CalendarPage} />
        <Route path="/calendar/new" component={PickClientPage} />
        <Route path="/calendar/new-group" component={NewGroupPage} />
        <Route path="/groups/:staff_id/series/:series_id" component={GroupSeriesPage} />
        <Route path="/groups/:staff_id/:group_id" component={GroupPage} />
        <Route path="/wait-list" component={WaitListPage} />
        <Route path="/availability" component={AvailabilityPage} />
        <Route path="/availability/:staff_id" component={AvailabilityPage} />
        <Route path="/services" component={OfferPage} />
        <Route path="/account" component={StaffAccount} />
        <Route path="/sign-ups" component={Signups} />
        <Route path="/organization/client-portal" component={ClientPortal} />
        <Route path="/organization/client-portal/subscription" component={ClientPortal} />
        <Route path="/organization/client-portal/intake-forms" component={ClientPortal} />
        <Route path="/organization/tokens" component={ApiTokensPage} />
        <Route path="/organization/profile" component={ProfilePage} />
        <Route path="/organization/staff" component={StaffList} />
        <Route path="/organization/staff/invite" component={InviteStaff} />
        <Route path="/organization/staff/:staff_id" component={StaffPerson} />
        <Route path="/clients/:client_id/send" component={SendFormsPage} />
        <Route path="/unfinished" component={Unfinished} />
        <Route path="/organization/client-portal/e-mail" component={ClientPortal} />
        <Route path="/forms/:form_id" component={FormPreviewPage} />
        <Route path="/forms/:form_id/edit" component={FormEditorPage} />
        <Route path="/forms/:form_id/versions" component={FormVersionsPage} />
        <Route default component={Elsewhere} />
      </Router>
    </StaffShell>
  );
}
