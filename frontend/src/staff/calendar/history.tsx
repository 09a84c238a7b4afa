/** Client Details: what is ahead and what has been, with the way to a new appointment. */
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { calendar } from '../../strings/calendar.ts';
import type { ClientAppointment } from '../../types.ts';
import { Badge, Button, Icon, LinkButton, spoken, statusBadge, useAct, useLoad, whereOf } from '../../ui/index.ts';
import { Failed, Ready, RowBones } from '../parts.tsx';

const words = calendar.list;

export function AppointmentsTab({ client_id, archived }: { client_id: string; archived: boolean }) {
  const ask = (when: 'upcoming' | 'past', cursor?: string) => call(api.GET('/practice/clients/{client_id}/appointments', { params: { path: { client_id }, query: cursor ? { when, cursor } : { when } } }));
  const loaded = useLoad(async () => {
    const [ahead, past] = await Promise.all([ask('upcoming'), ask('past')]);
    const live = (one: ClientAppointment) => ['requested', 'proposed', 'confirmed'].includes(one.status);
    return { ahead: ahead.items.filter(live), past: [...ahead.items.filter((one) => !live(one)).reverse(), ...past.items], cursor: past.next_cursor };
  }, [client_id]);
  const more = useAct((cursor: string) => loaded.refresh(async () => {
    const known = loaded.data!;
    const page = await ask('past', cursor);
    return { ...known, past: [...known.past, ...page.items], cursor: page.next_cursor };
  }));
  return (
    <Ready of={loaded} bones={<RowBones />} heading={false}>
      {({ ahead, past, cursor }) => (
        <>
          {archived ? null : <div><LinkButton icon="plus" href={`/staff/clients/${client_id}/appointments/new`}>{words.add}</LinkButton></div>}
          {!ahead.length && !past.length ? <section class="card"><div class="empty"><span class="glyph"><Icon name="calendar" /></span><h2>{words.empty}</h2><p class="small">{words.emptyText}</p></div></section> : null}
          <Part title={words.upcoming} id="ahead" client_id={client_id} items={ahead} />
          <Part title={words.past} id="past" client_id={client_id} items={past} />
          {cursor ? <div><Button busy={more.busy} onClick={() => void more.run(cursor)}>{words.more}</Button></div> : null}
          <Failed problem={more.problem} />
        </>
      )}
    </Ready>
  );
}

function Part({ title, id, client_id, items }: { title: string; id: string; client_id: string; items: ClientAppointment[] }) {
  const { tenant } = useSession();
  if (!items.length) return null;
  return (
    <section class="card flush" aria-labelledby={id}>
      <div class="cardhead"><h2 id={id}>{title}</h2></div>
      <ul class="rows">
        {items.map((one) => {
          const badge = statusBadge(one);
          return (
            <li key={one.appointment_id}>
              <a class="row" href={`/staff/clients/${client_id}/appointments/${one.appointment_id}`}>
                <div class="stack g1"><p class="strong">{spoken(one, tenant.zone)}</p><p class="small soft">{[one.service, whereOf(one), one.therapist].join(' · ')}</p></div>
                <Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge>
                <Icon name="right" />
              </a>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
