/** Overview: how to reach the client, whom to call, who treats them, and how far the forms are. */
import { useSession } from '../../session.tsx';
import { Avatar, Facts, initials } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { Address, Client } from '../../types.ts';
import { InviteBadge, PortalBadge } from '../parts.tsx';
import { moment, momentInSentence } from '../when.ts';
import type { ClientFile } from './details.tsx';
import { Outside } from './outside.tsx';
import { Packet } from './packet.tsx';
import { Therapists } from './therapists.tsx';

const words = staff.overview;

export function OverviewTab({ file, onDone, beside }: { file: ClientFile; onDone: (told: string) => void; beside: preact.ComponentChildren }) {
  return (
    <div class="beside">
      <div class="stack g4">
        <Contact client={file.client} />
        <Forms file={file} onDone={onDone} />
      </div>
      <aside class="stack g4">
        <PortalCard file={file} />
        <Emergency client={file.client} />
        <Therapists client={file.client} />
        <Insured client={file.client} />
        {beside}
      </aside>
    </div>
  );
}

function lines(address: Address): string[] {
  const town = [address.city, [address.region, address.postal_code].filter(Boolean).join(' ')].filter(Boolean).join(', ');
  return [address.line1, address.line2, town, address.country === 'US' ? '' : address.country].filter((line): line is string => Boolean(line));
}

function Contact({ client }: { client: Client }) {
  const none = <span class="soft">{words.none}</span>;
  return (
    <section class="card stack g3" aria-labelledby="contact">
      <h2 id="contact">{words.contact}</h2>
      <Facts rows={[
        [words.email, client.email ? <a href={`mailto:${client.email}`}>{client.email}</a> : none],
        [words.phone, client.phone ? <a href={`tel:${client.phone.replace(/[^\d+]/g, '')}`}>{client.phone}</a> : none],
        [words.address, client.address ? lines(client.address).map((line, n) => <span key={n}>{n > 0 && <br />}{line}</span>) : none],
      ]} />
    </section>
  );
}

function Emergency({ client }: { client: Client }) {
  const person = client.emergency_contact;
  return (
    <section class="card stack g3" aria-labelledby="emergency">
      <h2 id="emergency">{words.emergency}</h2>
      {!person ? <p class="small soft">{words.noEmergency}</p> : (
        <div class="line">
          <Avatar letters={initials(person.name)} size="s" />
          <div class="stack g1 small">
            <p><span class="strong">{person.name}</span>{person.relationship && <><br /><span class="soft">{person.relationship}</span></>}</p>
            <p><a href={`tel:${person.phone.replace(/[^\d+]/g, '')}`}>{person.phone}</a></p>
            <p class="soft">{person.may_contact ? words.may : words.mayNot}</p>
          </div>
        </div>
      )}
    </section>
  );
}

function Insured({ client }: { client: Client }) {
  const { insurance, features_off: off } = client;
  const rows: [string, preact.ComponentChildren][] = insurance ? [[words.carrier, insurance.carrier], [words.memberId, insurance.member_id]] : [];
  if (insurance?.group) rows.push([words.group, insurance.group]);
  if (insurance?.holder) rows.push([words.holder, insurance.holder.name]);
  return (
    <section class="card stack g3" aria-labelledby="insured">
      <h2 id="insured">{words.insurance}</h2>
      {insurance ? <Facts rows={rows} /> : <p class="small soft">{words.noInsurance}</p>}
      {off.length > 0 && <p class="small"><span class="strong">{words.off}:</span> {off.map((name) => staff.file.feature[name] ?? name).join(', ')}</p>}
    </section>
  );
}

function PortalCard({ file }: { file: ClientFile }) {
  const { tenant } = useSession();
  const { client } = file;
  const { invite } = client;
  const rows: [string, preact.ComponentChildren][] = [[words.state, <PortalBadge portal={client.portal} />]];
  if (client.joined_at) rows.push([words.joined, moment(client.joined_at, tenant.zone)]);
  else if (invite) {
    rows.push([words.invited, moment(invite.sent_at, tenant.zone)]);
    rows.push([words.invitation, <InviteBadge status={invite.status} />]);
  }
  return (
    <section class="card stack g3" aria-labelledby="portal">
      <h2 id="portal">{words.portal}</h2>
      <Facts rows={rows} />
      <a class="small" href={`/staff/clients/${client.client_id}/portal`}>{words.openPortal}</a>
    </section>
  );
}

function Forms({ file, onDone }: { file: ClientFile; onDone: (told: string) => void }) {
  const { tenant } = useSession();
  const { invite } = file.client;
  return (
    <section class="card flush" aria-labelledby="forms">
      <div class="cardhead"><h2 id="forms">{words.forms}</h2></div>
      {file.intakes.length === 0
        ? <p class="small soft inset">{invite && invite.forms.length === 0 ? <>{words.noneSent}.<br />{words.invitedBy(momentInSentence(invite.sent_at, tenant.zone), invite.sent_by_name)}.</> : words.noForms}</p>
        : <ul class="rows">{file.intakes.map((intake) => <Packet key={intake.intake_id} intake={intake} client_id={file.client.client_id} may={file.may} onDone={onDone} />)}</ul>}
      <Outside client_id={file.client.client_id} onDone={onDone} />
    </section>
  );
}
