/** Today: what needs a staff member now, and who has not joined yet. */
import { useState } from 'preact/hooks';
import { api, call } from '../http.ts';
import { useSession } from '../session.tsx';
import { Badge, Button, Heading, Icon, LinkButton, Note, useAct, useLoad, weekday } from '../ui/index.ts';
import { signups } from '../strings/signups.ts';
import { staff } from '../strings/staff.ts';
import type { Notification, PracticeHome } from '../types.ts';
import { PortalBadge, Ready, RowBones, sentenceOf } from './parts.tsx';
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
      <Ready of={home} bones={<RowBones />} heading={false}>{(data) => <Page home={data} asked={(requests.data?.total ?? 0) > 0} />}</Ready>
    </>
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

function NewsRow({ item, onRead }: { item: Notification; onRead: (id: string) => void }) {
  const { tenant } = useSession();
  const packet = item.kind === 'packet_completed';
  const signUp = item.kind === 'sign_up_waiting';
  const document = item.kind === 'document_added';
  const asks = item.kind === 'appointment_requested';
  const name = item.client_name ?? '';
  const title = signUp ? signups.today.notice : packet ? words.packet(name) : document ? words.document(name) : asks ? words.asks(name) : words.renewal(name);
  const help = signUp ? signups.today.noticeHelp : packet ? words.packetHelp : document ? words.documentHelp : asks ? words.asksHelp : words.renewalHelp;
  const base = `/staff/clients/${item.client_id}`;
  const mark = useAct(async () => {
    await call(api.POST('/practice/notifications/{notification_id}/read', { params: { path: { notification_id: item.notification_id } } }));
    onRead(item.notification_id);
  });
  // Opening it is reading it: the request goes along, and the page does not wait for it.
  const opened = () => { if (!item.read) void mark.run(); };
  return (
    <li class="news">
      <span class={item.worrying ? 'glyph bad' : 'glyph'}><Icon name={item.worrying ? 'alert' : signUp ? 'people' : packet ? 'form' : document ? 'folder' : asks ? 'calendar' : 'mail'} /></span>
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
        {packet && item.intake_id
          ? <a class="btn mini" href={`${base}/intakes/${item.intake_id}`} onClick={opened}>{words.readSummary}<span class="hidden">{words.markReadOf(name)}</span></a>
          : <a class="btn mini" href={signUp ? '/staff/sign-ups' : packet || document ? `${base}/documents` : asks ? `${base}/appointments` : `${base}/portal`} onClick={opened}>
              {signUp ? signups.today.open : packet || document ? words.openDocuments : asks ? words.openAppointments : words.openInvitation}<span class="hidden">{words.markReadOf(signUp ? title : name)}</span>
            </a>}
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
