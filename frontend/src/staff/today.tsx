/** Today: what needs a staff member now, and who has not joined yet. */
import { useState } from 'preact/hooks';
import { api, call } from '../http.ts';
import { useSession } from '../session.tsx';
import { Badge, Button, Heading, Icon, LinkButton, Note, addDays, brief, dayKey, money, useAct, useLoad, weekday, type IconName } from '../ui/index.ts';
import { billing } from '../strings/billing.ts';
import { messaging } from '../strings/messaging.ts';
import { signups } from '../strings/signups.ts';
import { staff } from '../strings/staff.ts';
import type { Notification, PracticeHome } from '../types.ts';
import { PortalBadge, Ready, RowBones, sentenceOf } from './parts.tsx';
import { nameOf } from './calendar/entry.ts';
import { AgendaRow } from './calendar/grid.tsx';
import { blocks } from './calendar/placing.ts';
import { Requests, useRequests } from './calendar/requests.tsx';
import { FirstSteps } from './steps.tsx';
import { moment, momentInSentence } from './when.ts';

const words = staff.today;
const FEW = 5; // the home page brings at least so many when there are more

export function Today() {
  const home = useLoad(() => call(api.GET('/practice/home')), []);
  const requests = useRequests();
  const { tenant, person, roles } = useSession();
  return (
    <>
      <div class="split">
        <div class="stack g1">
          <p class="soft">{weekday(new Date(), tenant.zone)}</p>
          <Heading title={words.title}>{words.hello(person.first_name)}</Heading>
        </div>
        <LinkButton href="/staff/clients" icon="search">{words.find}</LinkButton>
      </div>
      {roles.includes('administrator') && <FirstSteps />}
      <Requests of={requests} />
      {roles.includes('therapist') && <MyDay />}
      <Ready of={home} bones={<RowBones />} heading={false}>{(data) => <Page home={data} asked={(requests.data?.total ?? 0) > 0} />}</Ready>
    </>
  );
}

const AHEAD = 13; // days to look for the next appointment in, when there is none today

/** One's own appointments of today; a request is above, where it can be answered. */
function MyDay() {
  const { tenant, person } = useSession();
  const zone = tenant.zone;
  const today = dayKey(new Date(), zone);
  const found = useLoad(() => call(api.GET('/practice/calendar', { params: { query: { first_day: today, last_day: addDays(today, AHEAD), zone, staff_ids: person.id } } })), [today]);
  return (
    <section class="card flush" aria-labelledby="myday">
      <div class="cardhead"><h2 id="myday">{words.appointments}</h2><a class="small" href="/staff/calendar">{words.toCalendar}</a></div>
      <Ready of={found} bones={<RowBones rows={2} />} heading={false}>{({ items }) => {
        const booked = (day: string) => blocks(items, day, zone).filter((each) => each.entry.status !== 'requested' && each.entry.status !== 'proposed');
        const now = booked(today);
        const next = now.length ? undefined : Array.from({ length: AHEAD }, (_, n) => booked(addDays(today, n + 1))[0]).find((each) => each);
        return now.length
          ? <ul class="rows">{now.map((each) => <li key={each.key}><AgendaRow block={each} zone={zone} named={false} /></li>)}</ul>
          : <p class="pad-box soft small">{words.noAppointments} {next && words.nextAppointment(brief(next.at, zone), nameOf(next.entry))}</p>;
      }}</Ready>
    </section>
  );
}

function Page({ home, asked }: { home: PracticeHome; asked: boolean }) {
  if (!asked && home.notifications.length === 0 && home.waiting.length === 0 && home.sign_ups_waiting === 0) return <AllQuiet home={home} />;
  return (
    <div class="beside">
      <News first={home.notifications} />
      <aside class="stack g4"><SignUps count={home.sign_ups_waiting} /><Waiting home={home} /><Clients count={home.clients} /></aside>
    </div>
  );
}

function AllQuiet({ home }: { home: PracticeHome }) {
  const { roles } = useSession();
  const mine = home.clients > 0 || !roles.includes('administrator');
  return (
    <section class="card">
      <div class="empty">
        <span class="glyph"><Icon name="check" /></span>
        <h2>{words.emptyTitle}</h2>
        <p class="small">{words.emptyText}</p>
        {mine && <p class="small">{words.clientCount(home.clients)}{home.clients === 0 && ` ${words.noClients}`}</p>}
        <LinkButton look="primary" href="/staff/clients">{words.toClients}</LinkButton>
      </div>
    </section>
  );
}

function News({ first }: { first: Notification[] }) {
  const [items, setItems] = useState(first);
  const [cursor, setCursor] = useState<string | null | undefined>(undefined);
  const unread = items.filter((item) => !item.read).length;
  // The home page brings the newest few; older ones come from the list, which starts at the newest again.
  const older = useAct(async () => {
    const page = await call(api.GET('/practice/notifications', { params: { query: cursor ? { cursor } : {} } }));
    setItems((known) => [...known, ...page.items.filter((item) => !known.some((other) => other.notification_id === item.notification_id))]);
    setCursor(page.next_cursor);
  });
  const read = (id: string) => setItems((known) => known.map((item) => (item.notification_id === id ? { ...item, read: true } : item)));
  return (
    <section class="card flush" aria-labelledby="news">
      <div class="cardhead">
        <h2 id="news">{words.news}</h2>
        <span class="small soft" role="status">{unread ? words.unread(unread) : words.allRead}</span>
      </div>
      {items.length === 0 ? <p class="pad-box soft small">{words.noNews}</p> : (
        <ul class="rows">{items.map((item) => <NewsRow key={item.notification_id} item={item} onRead={read} />)}</ul>
      )}
      {first.length >= FEW && cursor !== null && (
        <div class="cardhead foothead">
          <Button look="quiet" mini busy={older.busy} onClick={() => void older.run()}>{words.older}</Button>
          {older.problem && <span class="error" role="alert">{words.olderFailed}</span>}
        </div>
      )}
    </section>
  );
}

interface About { icon: IconName; title: string; help: string; open: string; href: string }

/** What a notification says, and where it leads. */
function about(item: Notification): About {
  const name = item.client_name ?? '';
  const base = `/staff/clients/${item.client_id}`;
  const documents = { open: words.openDocuments, href: `${base}/documents` };
  const { notices } = billing;
  const amount = item.amount ? money(item.amount) : '';
  const paid = { open: notices.open, href: item.payment_id ? `${base}/billing/payments/${item.payment_id}` : `${base}/billing` };
  switch (item.kind) {
    case 'packet_completed':
      return { icon: 'form', title: words.packet(name), help: words.packetHelp, ...(item.intake_id ? { open: words.readSummary, href: `${base}/intakes/${item.intake_id}` } : documents) };
    case 'document_added':
      return { icon: 'folder', title: words.document(name), help: words.documentHelp, ...documents };
    case 'sign_up_waiting':
      return { icon: 'people', title: signups.today.notice, help: signups.today.noticeHelp, open: signups.today.open, href: '/staff/sign-ups' };
    case 'message_waiting':
      return { icon: 'message', title: messaging.news.waiting(name), help: messaging.news.waitingHelp, open: messaging.news.open, href: `/staff/messages/${item.client_id}/${item.thread_id}` };
    case 'thread_opened':
      return { icon: 'eye', title: messaging.news.opened(name), help: messaging.news.openedHelp, open: messaging.news.open, href: `${base}/messages` };
    case 'appointment_requested':
      return { icon: 'calendar', title: words.asks(name), help: words.asksHelp, open: words.openAppointments, href: `${base}/appointments` };
    case 'payment_received':
      return { icon: 'card', title: notices.received(amount, name), help: notices.receivedHelp, ...paid };
    case 'payment_failed':
      return { icon: 'card', title: notices.failed(name), help: notices.failedHelp, ...paid };
    case 'payment_disputed':
      return { icon: 'card', title: notices.disputed(amount, name), help: notices.disputedHelp, ...paid };
    case 'refund_failed':
      return { icon: 'card', title: notices.refundFailed(amount, name), help: notices.refundFailedHelp, ...paid };
    case 'invitation_renewal_asked':
      return { icon: 'mail', title: words.renewal(name), help: words.renewalHelp, open: words.openInvitation, href: `${base}/portal` };
  }
}

function NewsRow({ item, onRead }: { item: Notification; onRead: (id: string) => void }) {
  const { tenant } = useSession();
  const { icon, title, help, open, href } = about(item);
  const mark = useAct(async () => {
    await call(api.POST('/practice/notifications/{notification_id}/read', { params: { path: { notification_id: item.notification_id } } }));
    onRead(item.notification_id);
  });
  // Opening it is reading it: the request goes along, and the page does not wait for it.
  const opened = () => { if (!item.read) void mark.run(); };
  return (
    <li class="news">
      <span class={item.worrying ? 'glyph bad' : 'glyph'}><Icon name={item.worrying ? 'alert' : icon} /></span>
      <div class="stack g2">
        <div class="stack g1">
          <p class={item.read ? '' : 'strong'}>{title}</p>
          <p class="small soft">{item.worrying ? words.packetWorrying : help}</p>
        </div>
        <div class="cluster g2">
          {!item.read && <Badge tone="info">{words.fresh}</Badge>}
          {item.worrying && <Badge tone="bad">{words.safety}</Badge>}
          <span class="tiny soft num">{moment(item.at, tenant.zone)}</span>
        </div>
        {mark.problem && <p class="error" role="alert">{words.markFailed} {sentenceOf(mark.problem)}</p>}
      </div>
      <div class="news-acts">
        <a class="btn mini" href={href} onClick={opened}>{open}<span class="hidden">{words.markReadOf(item.client_name ?? title)}</span></a>
        {!item.read && (
          <Button look="quiet" mini busy={mark.busy} onClick={() => void mark.run()}>{words.markRead}<span class="hidden">{words.markReadOf(title)}</span></Button>
        )}
      </div>
    </li>
  );
}

function SignUps({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <section class="card stack g3" aria-labelledby="signups">
      <div class="stack g1"><h2 id="signups">{signups.today.title(count)}</h2><p class="small soft">{signups.today.text}</p></div>
      <LinkButton icon="people" href="/staff/sign-ups">{signups.today.open}</LinkButton>
    </section>
  );
}

function Waiting({ home }: { home: PracticeHome }) {
  const { tenant } = useSession();
  if (home.waiting.length === 0) return null;
  return (
    <section class="card flush" aria-labelledby="waiting">
      <div class="cardhead"><div class="stack g1"><h2 id="waiting">{words.waiting}</h2><p class="tiny soft">{words.waitingHelp}</p></div></div>
      <ul class="rows">
        {home.waiting.map((one) => (
          <li key={one.client_id}>
            <a class="row" href={`/staff/clients/${one.client_id}/portal`}>
              <div class="stack g1">
                <p class="strong">{one.client_name}</p>
                <p class="cluster g2"><PortalBadge portal={one.state === 'expired' ? 'expired' : 'invited'} /></p>
                <p class="tiny soft num">{words.since(momentInSentence(one.since, tenant.zone))}</p>
              </div>
              <Icon name="right" />
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Clients({ count }: { count: number }) {
  return (
    <section class="card stack g3">
      <h2>{words.clients}</h2>
      <p class="small soft">{words.clientCount(count)}</p>
      {count === 0 && <Note>{words.noClients}</Note>}
      <a class="small" href="/staff/clients">{words.toClients}</a>
    </section>
  );
}
