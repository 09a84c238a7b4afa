/** Client Details: who it is, the one act that fits, and the tabs Overview, General Documents and Portal. */
import { useLocation, useRoute } from 'preact-iso';
import { useState } from 'preact/hooks';
import { api, BACKGROUND, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Avatar, Badge, Heading, Icon, LinkButton, Note, calendarDate, initials, useEvery, useLoad, type Loaded } from '../../ui/index.ts';
import { billing } from '../../strings/billing.ts';
import { calendar } from '../../strings/calendar.ts';
import { forms } from '../../strings/forms.ts';
import { messaging } from '../../strings/messaging.ts';
import { staff } from '../../strings/staff.ts';
import type { Client, IntakeSummary, Invite, Mail, Page, Possible, SentIntake } from '../../types.ts';
import { AppointmentsTab } from '../calendar/history.tsx';
import { AddressNote } from '../inviting/retry.tsx';
import { Crumbs, PortalBadge, Ready, RecordBones, Tabs, moving, otherName } from '../parts.tsx';
import { momentInSentence } from '../when.ts';
import { DocumentsTab } from './documents.tsx';
import { MarkSeen, unseen } from './flags.tsx';
import { FileCard } from './filecard.tsx';
import { OverviewTab } from './overview.tsx';
import { PortalTab } from './portal.tsx';
import { ResendButton } from './resend.tsx';

const words = staff.client;

/** What every tab needs of a client, loaded together so that the head and the tabs never disagree. */
export interface ClientFile {
  client: Client; invites: Invite[]; intakes: SentIntake[]; documents: IntakeSummary['documents']; mails: Mail[];
  /** Whether this person can send forms to this client now, and what they may do with those that are open. */
  canSend: Possible; may: { send: boolean; takeBack: boolean; invited: boolean };
}

async function fetchFile(client_id: string, background = false): Promise<ClientFile> {
  const headers = background ? { headers: BACKGROUND } : {};
  const path = { client_id };
  let can: { can_send: Possible; can_take_back: boolean } | undefined;
  const [client, invites, intakes, documents, mails] = await Promise.all([
    call(api.GET('/practice/clients/{client_id}', { params: { path }, ...headers })),
    every((query) => call(api.GET('/practice/clients/{client_id}/invites', { params: { path, query }, ...headers }))),
    every(async (query) => {
      const page = await call(api.GET('/practice/clients/{client_id}/intakes', { params: { path, query }, ...headers }));
      can = page;
      return page;
    }),
    every((query) => call(api.GET('/practice/clients/{client_id}/documents', { params: { path, query }, ...headers }))),
    every((query) => call(api.GET('/practice/clients/{client_id}/mails', { params: { path, query: { limit: 100, ...query } }, ...headers }))),
  ]);
  const canSend = can!.can_send;
  return { client, invites, intakes, documents, mails, canSend, may: { send: canSend.allowed, takeBack: can!.can_take_back, invited: client.portal === 'invited' } };
}

/** All of a list that belongs to one person: a few dozen at most, so that it is shown whole. */
async function every<T>(ask: (query: { cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await ask(cursor ? { cursor } : {});
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}

export function ClientDetails() {
  const { client_id } = useRoute().params as { client_id: string };
  const file = useLoad(() => fetchFile(client_id), [client_id]);
  const busy = file.data !== null && (moving(file.data.client.invite) || file.data.mails.some((one) => one.delivery === 'queued') || file.data.documents.some((one) => one.status === 'sealing'));
  // What is on its way (a mail, a seal) arrives by itself; looking again does not count as being there.
  useEvery(5000, busy, () => file.refresh(() => fetchFile(client_id, true)));
  return (
    <Ready of={file} bones={<RecordBones />} missing={{ title: words.notFoundTitle, text: words.notFound }}>
      {(data) => <File key={client_id} file={data} of={file} />}
    </Ready>
  );
}

function File({ file, of }: { file: ClientFile; of: Loaded<ClientFile> }) {
  const { path } = useLocation();
  const { client } = file;
  const base = `/staff/clients/${client.client_id}`;
  const tabs: [string, string][] = [
    [words.tabs.overview, base], [words.tabs.documents, `${base}/documents`], [calendar.one.tab, `${base}/appointments`], [messaging.tab.title, `${base}/messages`], [billing.tab, `${base}/billing`], [words.tabs.portal, `${base}/portal`],
  ];
  const current = tabs.find(([, href]) => href === path) ?? tabs[0]!;
  const [told, setTold] = useState<string | null>(null);
  return (
    <>
      <div class="stack g4">
        <Crumbs items={[[staff.clients.title, '/staff/clients'], words.crumb]} />
        <div class="split top">
          <Person client={client} tab={current} />
          <div class="cluster g2"><EditLink client={client} /><HeadAct file={file} onDone={(text) => { setTold(text); void of.reload(); }} /></div>
        </div>
        <Tabs label={words.tabsLabel} items={tabs} current={current[1]} />
      </div>
      {told && <Note tone="good" live>{told}</Note>}
      <AddressNote client={client} onDone={async (text) => { await of.reload(); setTold(text); }} />
      <SafetyNote file={file} onSeen={async () => { await of.reload(); setTold(staff.safety.marked); }} />
      {current[1] === base && <OverviewTab file={file} onDone={(text) => { setTold(text); void of.reload(); }} beside={<FileCard file={file} onChange={of.reload} onTold={setTold} />} />}
      {current[1].endsWith('/documents') && <DocumentsTab file={file} onChange={of.reload} onTold={setTold} />}
      {current[1].endsWith('/appointments') && <AppointmentsTab client_id={client.client_id} archived={client.status === 'archived'} />}
      {current[1].endsWith('/billing') && <LaterBilling client={client} />}
      {current[1].endsWith('/messages') && <LaterMessages client_id={client.client_id} />}
      {current[1].endsWith('/portal') && <PortalTab file={file} onChange={of.reload} onTold={setTold} />}
    </>
  );
}

/** The tab is fetched when it is opened. */
function LaterBilling({ client }: { client: Client }) {
  const found = useLoad(() => import('../billing/tab.tsx'), []);
  return <Ready of={found} bones={<RecordBones />} heading={false}>{({ BillingTab }) => <BillingTab key={client.client_id} client_id={client.client_id} archived={client.status === 'archived'} />}</Ready>;
}

function LaterMessages({ client_id }: { client_id: string }) {
  const found = useLoad(() => import('../messaging/tab.tsx'), []);
  return <Ready of={found} bones={<RecordBones />} heading={false}>{({ MessagesTab }) => <MessagesTab key={client_id} client_id={client_id} />}</Ready>;
}

function Person({ client, tab }: { client: Client; tab: [string, string] }) {
  const names = client.therapists.map((one) => one.name).join('; ');
  const born = client.birth_date ? words.born(calendarDate(client.birth_date)) : words.noBirth;
  return (
    <div class="person">
      <Avatar letters={initials(client.name)} size="l" />
      <div class="stack g1">
        <div class="cluster g3">
          <Heading title={`${tab[0]}, ${client.name}`} move={tab[1]}>{client.name}</Heading>
          {client.status === 'archived' ? <Badge>{words.archived}</Badge> : <PortalBadge portal={client.portal} />}
          {client.worrying && <Badge tone="bad">{staff.safety.badge}</Badge>}
        </div>
        <p class="soft">
          {otherName(client) ? `${staff.clients.prefers(otherName(client)!)}. ` : ''}
          {born}. {names ? words.assigned(names) : words.unassigned}
        </p>
      </div>
    </div>
  );
}

/** Whether the open invitation can be sent again by this person. */
export function canResend(client: Client): boolean {
  const { invite } = client;
  if (client.mailbox.suppressed) return false; // first the address, then the mail
  if (!invite || client.status === 'archived' || client.portal === 'active' || client.portal === 'ended') return false;
  const barred = ['no_permission', 'feature_off', 'archived', 'no_email', 'already_active', 'address_suppressed'];
  return ['waiting', 'expired', 'locked'].includes(invite.status) && !barred.includes(client.can_invite.reason ?? '');
}

function EditLink({ client }: { client: Client }) {
  return <LinkButton icon="pen" href={`/staff/clients/${client.client_id}/edit`}>{words.edit}</LinkButton>;
}

function HeadAct({ file, onDone }: { file: ClientFile; onDone: (told: string) => void }) {
  const { client } = file;
  if (canResend(client)) return <ResendButton client={client} onDone={onDone} />;
  if (client.can_invite.allowed) {
    return <LinkButton look="primary" icon="mail" href={`/staff/clients/${client.client_id}/invite`}>{words.invite}</LinkButton>;
  }
  if (file.canSend.allowed) return <LinkButton look="primary" icon="form" href={`/staff/clients/${client.client_id}/send`}>{forms.send.action}</LinkButton>;
  const { reason } = client.can_invite;
  if (client.mailbox.suppressed) return null; // said below, with what can be done about it
  if (client.portal === 'active' || client.portal === 'ended' || !reason) return null;
  return (
    <div class="refusal" role="note">
      <p class="small strong">{staff.refusal.title[reason] ?? client.can_invite.title ?? staff.refusal.other}</p>
      <p class="tiny soft">{staff.refusal.text[reason] ?? ''}</p>
    </div>
  );
}

/** What waits to be read before anything else, until somebody marks it as seen; stays with the client, on every tab. */
function SafetyNote({ file, onSeen }: { file: ClientFile; onSeen: () => unknown }) {
  const { tenant } = useSession();
  const waiting = unseen(file.documents);
  const latest = waiting[0];
  if (!latest) return null;
  const { client_id } = file.client;
  const name = file.client.preferred_name ?? file.client.name.split(' ')[0]!;
  const signed = (one: { signed_at: string | null }) => (one.signed_at ? momentInSentence(one.signed_at, tenant.zone) : '');
  return (
    <section class="note bad" aria-labelledby="safety">
      <Icon name="alert" />
      <div class="stack g3">
        <p><strong id="safety">{waiting.length > 1 ? staff.safety.titles(name, waiting.length) : staff.safety.title(name)}</strong><br />{staff.safety.text(signed(latest))}</p>
        {waiting.map((one) => {
          const what = staff.safety.which(one.title, signed(one));
          const of = waiting.length > 1 ? staff.safety.of(what) : '';
          return (
            <div key={one.document_id} class="stack g1">
              {of && <p class="small">{what}</p>}
              <div class="cluster g2">
                <LinkButton mini href={`/staff/clients/${client_id}/intakes/${one.intake_id}`}>{staff.safety.action}{of && <span class="hidden">{of}</span>}</LinkButton>
                <MarkSeen client_id={client_id} documents={[one]} of={of} onSeen={onSeen} />
              </div>
            </div>
          );
        })}
      </div>
    </section>
  );
}
