/** Portal tab: the invitation with its delivery, its forms and its end; revoking; what was sent before. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Button, Dialog, Empty, Facts, Note, dayAndTime, useAct } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { Client, Invite } from '../../types.ts';
import { HeldBack } from '../inviting/hold.tsx';
import { CopyLink, DeliveryBadge, Failed, InviteBadge } from '../parts.tsx';
import { moment, momentInSentence } from '../when.ts';
import { LoginLinkButton, Mails, News } from './mails.tsx';
import { canResend, type ClientFile } from './details.tsx';
import { Packet } from './packet.tsx';

const words = staff.portalTab;

interface Props { file: ClientFile; onChange: () => Promise<void>; onTold: (text: string) => void }

export function PortalTab({ file, onChange, onTold }: Props) {
  const { client, invites } = file;
  const now = client.invite ?? invites.find((one) => ['waiting', 'expired', 'locked'].includes(one.status)) ?? null;
  const joined = client.portal === 'active' || client.portal === 'ended';
  const earlier = invites.filter((one) => one.invite_id !== now?.invite_id || joined);
  const packets = file.intakes.filter((one) => one.forms.length > 0); // an invitation says itself that it has none
  const beside = client.portal === 'active' || packets.length > 0;
  return (
    <div class={beside ? 'beside' : 'stack g4'}>
      <div class="stack g4">
        {joined ? <Account client={client} /> : now && now.status !== 'revoked' && now.status !== 'replaced'
          ? <Current client={client} invite={now} onChange={onChange} onTold={onTold} />
          : <NotInvited client={client} />}
        {earlier.length > 0 && <History invites={earlier} />}
        {file.mails.length > 0 && <Mails mails={file.mails} />}
      </div>
      {beside && <aside class="stack g4">
        {joined && client.portal === 'active' && <LoginLink client={client} onDone={async (text) => { onTold(text); await onChange(); }} />}
        {packets.length > 0 && (
          <section class="card flush" aria-labelledby="packets">
            <div class="cardhead"><h2 id="packets">{words.formsTitle}</h2></div>
            <ul class="rows">{packets.map((one) => <Packet key={one.intake_id} intake={one} client_id={client.client_id} />)}</ul>
          </section>
        )}
      </aside>}
    </div>
  );
}

function NotInvited({ client }: { client: Client }) {
  const { allowed, reason, title } = client.can_invite;
  return (
    <section class="card">
      <Empty icon="mail" title={allowed ? words.noneTitle : (reason && staff.refusal.title[reason]) || title || staff.refusal.other}>
        {allowed ? words.noneText : reason ? staff.refusal.text[reason] : ''}
      </Empty>
    </section>
  );
}

function Account({ client }: { client: Client }) {
  const { tenant } = useSession();
  const ended = client.portal === 'ended';
  return (
    <section class="card stack g3" aria-labelledby="account">
      <h2 id="account">{ended ? words.endedTitle : words.activeTitle}</h2>
      <p class="small soft">{ended ? words.endedText : words.activeText}</p>
      <Facts rows={[
        [staff.overview.email, client.email ?? staff.overview.none],
        ...(client.joined_at ? [[words.joined, moment(client.joined_at, tenant.zone)] as [string, string]] : []),
      ]} />
    </section>
  );
}

function LoginLink({ client, onDone }: { client: Client; onDone: (text: string) => unknown }) {
  const { tenant } = useSession();
  return (
    <section class="card stack g4" aria-labelledby="login">
      <div class="stack g2"><h2 id="login">{words.login}</h2><p class="small soft">{words.loginHelp}</p></div>
      <CopyLink label={words.login} link={tenant.login_url} button={words.copy} />
      {client.status !== 'archived' && client.email && <LoginLinkButton client={client} onDone={onDone} />}
    </section>
  );
}

function Current({ client, invite, onChange, onTold }: { client: Client; invite: Invite; onChange: () => Promise<void>; onTold: (text: string) => void }) {
  const { tenant } = useSession();
  const expired = invite.status === 'expired';
  const locked = invite.status === 'locked';
  const trouble = ['bounced', 'complained', 'failed', 'suppressed', 'deferred'].includes(invite.delivery);
  const called = async () => { onTold(staff.hold.done); await onChange(); };
  return (
    <section class="card stack g4" aria-labelledby="invitation">
      <div class="split"><h2 id="invitation">{words.title}</h2><InviteBadge status={invite.status} /></div>
      {invite.status === 'waiting' && client.can_invite.reason !== 'no_permission' && <HeldBack client_id={client.client_id} invite={invite} left={null} onBack={called} />}
      {locked && <Note tone="warn"><strong>{words.locked}</strong><br />{words.lockedHelp}</Note>}
      {invite.renewal_asked_at && <Note tone="warn"><strong>{words.renewal(momentInSentence(invite.renewal_asked_at, tenant.zone))}</strong><br />{words.renewalHelp}</Note>}
      {trouble && !client.mailbox.suppressed && <Note tone="bad"><strong>{staff.invite.delivery[invite.delivery]}.</strong> {staff.invite.deliveryHelp[invite.delivery]}</Note>}
      <Facts rows={[
        [words.to, invite.email],
        [words.sent, words.by(moment(invite.sent_at, tenant.zone), invite.sent_by_name)],
        [words.delivery, <div class="stack g1"><span><DeliveryBadge delivery={invite.delivery} /></span>{!trouble && <span class="tiny soft">{staff.invite.deliveryHelp[invite.delivery]}</span>}<News news={invite.news} /></div>],
        ...(invite.opened_at ? [[words.opened, <>{moment(invite.opened_at, tenant.zone)}<br /><span class="tiny soft">{words.openedHelp}</span></>] as [string, ComponentChildren]] : []),
        ...(locked ? [] : [[expired ? words.expired : words.expires, <>{dayAndTime(invite.expires_at, tenant.zone)}<br /><span class="tiny soft">{words.expiresHelp}</span></>] as [string, ComponentChildren]]),
        [words.forms, invite.forms.length ? <ul class="stack g1">{invite.forms.map((form) => <li key={form.form_id}>{form.title}</li>)}</ul> : words.noForms],
      ]} />
      {canResend(client) && <p class="tiny soft">{words.resendHelp}</p>}
      {(invite.status === 'waiting' || locked) && client.can_invite.reason !== 'no_permission' && (
        <Revoke client={client} invite={invite} onChange={onChange} onTold={onTold} />
      )}
    </section>
  );
}

function Revoke({ client, invite, onChange, onTold }: { client: Client; invite: Invite; onChange: () => Promise<void>; onTold: (text: string) => void }) {
  const [open, setOpen] = useState(false);
  const act = useAct(async () => {
    const path = { client_id: client.client_id, invite_id: invite.invite_id };
    await call(api.POST('/practice/clients/{client_id}/invites/{invite_id}/revoke', { params: { path } }));
    await done(words.revoked);
  });
  const done = async (text: string) => {
    setOpen(false);
    onTold(text);
    await onChange();
  };
  const closed = act.problem?.code === 'invitation_closed';
  const shut = () => { if (!act.busy) setOpen(false); };
  return (
    <div>
      <Button onClick={() => { act.clear(); setOpen(true); }}>{words.revoke}</Button>
      <Dialog
        open={open}
        onClose={shut}
        title={words.revokeTitle}
        actions={closed
          ? <Button onClick={() => void done(words.closed)}>{words.look}</Button>
          : <>
              <Button look="danger" busy={act.busy} busyLabel={words.revoking} onClick={() => void act.run()}>{words.revokeYes}</Button>
              <Button look="quiet" onClick={shut}>{words.keep}</Button>
            </>}
      >
        <p class="soft">{words.revokeText(client.name, invite.email)}</p>
        <Failed problem={act.problem} />
      </Dialog>
    </div>
  );
}

function History({ invites }: { invites: Invite[] }) {
  const { tenant } = useSession();
  return (
    <section class="card flush" aria-labelledby="history">
      <div class="cardhead"><h2 id="history">{words.history}</h2></div>
      <table class="fold">
        <thead><tr><th scope="col">{words.to}</th><th scope="col">{words.sent}</th><th scope="col">{words.forms}</th><th scope="col">{words.delivery}</th><th scope="col">{words.state}</th></tr></thead>
        <tbody>
          {invites.map((one) => (
            <tr key={one.invite_id}>
              <td><span class="strong">{one.email}</span><br /><span class="tiny soft">{words.sentBy(one.sent_by_name)}</span></td>
              <td class="num" data-label={words.sent}>{moment(one.sent_at, tenant.zone)}</td>
              <td data-label={words.forms}>{one.forms.length ? words.formCount(one.forms.length) : words.noForms}</td>
              <td data-label={words.delivery}>{staff.invite.delivery[one.delivery]}</td>
              <td data-label={words.state}><InviteBadge status={one.status} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
