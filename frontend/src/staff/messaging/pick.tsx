/** Whom a staff member writes to. */
import { useEffect, useState } from 'preact/hooks';
import { api, asProblem, call, type Problem } from '../../http.ts';
import { messages as strings } from '../../strings/messages.ts';
import { messaging } from '../../strings/messaging.ts';
import type { ClientRow } from '../../types.ts';
import { Heading, Icon, TextField } from '../../ui/index.ts';
import { Crumbs, Failed, PortalBadge, RowBones } from '../parts.tsx';

const words = messaging.begin;

/** Clients by name, or the newest ones; null until they are there. */
export function useClients(term: string): { found: ClientRow[] | null; problem: Problem | null } {
  const [found, setFound] = useState<ClientRow[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let late = false;
    const ask = async () => {
      try {
        const page = term
          ? await call(api.POST('/practice/clients/search', { body: { search: term, status: 'active' } }))
          : await call(api.GET('/practice/clients', { params: { query: { limit: 50 } } }));
        if (late) return;
        setFound(page.items.filter((one) => one.status === 'active'));
        setProblem(null);
      } catch (cause) {
        if (!late) setProblem(asProblem(cause));
      }
    };
    const timer = setTimeout(() => void ask(), term ? 250 : 0);
    return () => { late = true; clearTimeout(timer); };
  }, [term]);
  return { found, problem };
}

export default function PickRecipientPage() {
  const [typed, setTyped] = useState('');
  const { found, problem } = useClients(typed.trim());
  return (
    <>
      <Crumbs items={[[strings.title, '/staff/messages'], words.crumb]} />
      <Heading>{words.pickTitle}</Heading>
      <div class="narrow"><TextField id="find" label={words.find} type="search" value={typed} onInput={setTyped} /></div>
      <Failed problem={problem} />
      {found === null ? problem ? null : <RowBones /> : found.length ? (
        <ul class="card flush rows">{found.map((one) => <li key={one.client_id}><a class="row" href={`/staff/clients/${one.client_id}/messages/new`}><div class="cluster g3"><span class="strong">{one.name}</span><PortalBadge portal={one.portal} /></div><Icon name="right" /></a></li>)}</ul>
      ) : <p class="soft" role="status">{words.nobody}</p>}
    </>
  );
}
