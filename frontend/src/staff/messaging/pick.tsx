/** Whom a staff member writes to. */
import { useState } from 'preact/hooks';
import { messages as strings } from '../../strings/messages.ts';
import { messaging } from '../../strings/messaging.ts';
import { Heading, Icon, TextField } from '../../ui/index.ts';
import { Born, MoreFound, useClientsFound } from '../finding.tsx';
import { Crumbs, Failed, PortalBadge, RowBones } from '../parts.tsx';

const words = messaging.begin;

export default function PickRecipientPage() {
  const [typed, setTyped] = useState('');
  const found = useClientsFound(typed);
  const { rows, problem } = found;
  return (
    <>
      <Crumbs items={[[strings.title, '/staff/messages'], words.crumb]} />
      <Heading>{words.pickTitle}</Heading>
      <div class="narrow"><TextField id="find" label={words.find} type="search" value={typed} onInput={setTyped} /></div>
      <Failed problem={problem} />
      {rows === null ? problem ? null : <RowBones /> : rows.length ? (
        <ul class="card flush rows">{rows.map((one) => <li key={one.client_id}><a class="row" href={`/staff/clients/${one.client_id}/messages/new`}><div><div class="cluster g3"><span class="strong">{one.name}</span><PortalBadge portal={one.portal} /></div><p><Born of={one} /></p></div><Icon name="right" /></a></li>)}</ul>
      ) : found.others ? null : <p class="soft" role="status">{words.nobody}</p>}
      <MoreFound of={found} />
    </>
  );
}
