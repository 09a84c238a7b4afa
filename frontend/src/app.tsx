/** The routes, and what must be true before each is shown. */
import type { ComponentType } from 'preact';
import { ErrorBoundary, LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { comeBackTo, load, SessionProvider, useSessionState } from './session.tsx';
import { page } from './chunk.ts';
import { organization } from './keep.ts';
import { Proof } from './shell/Proof.tsx';
import { IdleWatch, useBrand } from './shell/shells.tsx';
import type { Kind } from './types.ts';
import { Bones, Boundary, LoadFailed, ToastProvider, useBodyClass } from './ui/index.ts';
import { SignIn } from './pages/SignIn.tsx';
import { Front, NotFound } from './pages/Front.tsx';

/** A page for one kind of person: sends everybody else to sign in first. */
function only(kind: Kind, Inner: ComponentType): ComponentType {
  return function Guarded() {
    const state = useSessionState();
    const { route, url } = useLocation();
    const ready = state.status === 'ready';
    const wrong = ready && state.session.kind !== kind;
    const none = state.status === 'none' ? state : null;
    useLayoutEffect(() => {
      if (wrong) route(kind === 'client' ? '/staff' : '/home', true);
      if (!none) return;
      const slug = none.ended?.slug ?? organization();
      if (none.fresh) comeBackTo(url);
      if (!slug) route('/', true);
      else route((none.fresh ? kind : none.ended?.kind ?? kind) === 'staff' ? `/${slug}/staff` : `/${slug}`, true);
    }, [wrong, none]);
    if (state.status === 'failed') return <main id="main"><LoadFailed problem={state.problem} onRetry={() => void load()} /></main>;
    if (!ready || wrong) return <Waiting />;
    return <><Inner /><IdleWatch /><Proof /></>;
  };
}

function Waiting() {
  useBodyClass('task');
  return <main id="main"><Bones rows={3} /></main>;
}

const Join = page(() => import('./pages/Join.tsx'));
const Developers = page(() => import('./pages/Developers.tsx'));
const Start = page(() => import('./pages/Start.tsx'));
const StaffJoin = page(() => import('./pages/StaffJoin.tsx'));
const SignUp = page(() => import('./pages/SignUp.tsx'));
const SignUpLink = page(() => import('./pages/SignUpLink.tsx'));
const Verify = page(() => import('./pages/Verify.tsx'));
const Forgot = page(() => import('./pages/Forgot.tsx'));
const Reset = page(() => import('./pages/Reset.tsx'));
const ConfirmEmail = page(() => import('./pages/ConfirmEmail.tsx'));
const AccountPage = only('client', page(() => import('./pages/Account.tsx')));
const Home = only('client', page(() => import('./pages/Home.tsx')));
const Forms = only('client', page(() => import('./pages/Forms.tsx')));
const Fill = only('client', page(() => import('./pages/Fill.tsx')));
const Sign = only('client', page(() => import('./pages/Sign.tsx')));
const Done = only('client', page(() => import('./pages/Done.tsx')));
const Documents = only('client', page(() => import('./pages/Documents.tsx')));
const DocumentPage = only('client', page(() => import('./pages/Document.tsx')));
const ProfilePage = only('client', page(() => import('./pages/Profile.tsx')));
const Appointments = only('client', page(() => import('./pages/Appointments.tsx')));
const Book = only('client', page(() => import('./pages/Book.tsx')));
const AppointmentPage = only('client', page(() => import('./pages/Appointment.tsx')));
const Payments = only('client', page(() => import('./pages/Payments.tsx')));
const PaymentPage = only('client', page(() => import('./pages/Payment.tsx')));
const InvoicePage = only('client', page(() => import('./pages/Invoice.tsx')));
const CardsPage = only('client', page(() => import('./pages/Cards.tsx')));
const StatementPage = only('client', page(() => import('./pages/Statement.tsx')));
const PayDone = only('client', page(() => import('./pages/PayDone.tsx')));
const GuestPay = page(() => import('./pages/GuestPay.tsx'));
const MessagesPage = only('client', page(() => import('./pages/Messages.tsx')));
const NewMessage = only('client', page(() => import('./pages/NewMessage.tsx')));
const ConversationPage = only('client', page(() => import('./pages/Conversation.tsx')));
const PrintConversation = only('client', page(() => import('./pages/PrintConversation.tsx')));
const Staff = only('staff', page(() => import('./staff/index.tsx')));

/** Stripe's pages lead back here, whoever is signed in. */
function FromStripe() {
  const { route } = useLocation();
  useLayoutEffect(() => route('/staff/organization/billing/card-processing', true), []);
  return <Waiting />;
}

function Frame() {
  const state = useSessionState();
  const { path } = useLocation();
  useBrand(state.status === 'ready' ? state.session.tenant : null);
  useEffect(() => void (document.documentElement.lang = 'en'), []);
  return (
    <Boundary reset={path}>
      <ErrorBoundary>
        <Router>
          <Route path="/" component={Front} />
          <Route path="/join" component={Join} />
          <Route path="/start" component={Start} />
          <Route path="/join-staff" component={StaffJoin} />
          <Route path="/sign-up" component={SignUpLink} />
          <Route path="/verify" component={Verify} />
          <Route path="/developers" component={Developers} />
          <Route path="/reset" component={Reset} />
          <Route path="/email" component={ConfirmEmail} />
          <Route path="/home" component={Home} />
          <Route path="/account" component={AccountPage} />
          <Route path="/forms" component={Forms} />
          <Route path="/forms/:intake_id/done" component={Done} />
          <Route path="/forms/:intake_id/:form_id" component={Fill} />
          <Route path="/forms/:intake_id/:form_id/sign" component={Sign} />
          <Route path="/documents" component={Documents} />
          <Route path="/documents/:document_id" component={DocumentPage} />
          <Route path="/appointments" component={Appointments} />
          <Route path="/appointments/new" component={Book} />
          <Route path="/appointments/:appointment_id" component={AppointmentPage} />
          <Route path="/payments" component={Payments} />
          <Route path="/payments/cards" component={CardsPage} />
          <Route path="/payments/statement" component={StatementPage} />
          <Route path="/payments/invoices/:invoice_id" component={InvoicePage} />
          <Route path="/payments/:payment_id" component={PaymentPage} />
          <Route path="/pay" component={GuestPay} />
          <Route path="/pay/done" component={GuestPay} />
          <Route path="/pay/done/:payment_id" component={PayDone} />
          <Route path="/organization/billing" component={FromStripe} />
          <Route path="/messages" component={MessagesPage} />
          <Route path="/messages/new" component={NewMessage} />
          <Route path="/messages/:thread_id" component={ConversationPage} />
          <Route path="/messages/:thread_id/print" component={PrintConversation} />
          <Route path="/profile" component={ProfilePage} />
          <Route path="/staff" component={Staff} />
          <Route path="/staff/*" component={Staff} />
          <Route path="/:slug" component={SignIn} />
          <Route path="/:slug/staff" component={SignIn} />
          <Route path="/:slug/forgot" component={Forgot} />
          <Route path="/:slug/staff/forgot" component={Forgot} />
          <Route path="/:slug/sign-up" component={SignUp} />
          <Route default component={NotFound} />
        </Router>
      </ErrorBoundary>
    </Boundary>
  );
}

export function App() {
  return (
    <LocationProvider>
      <SessionProvider>
        <ToastProvider>
          <Frame />
        </ToastProvider>
      </SessionProvider>
    </LocationProvider>
  );
}
