/** The client's appointments: what is ahead, what has been, and the address for their own calendar. */
import { useState } from 'preact/hooks';
import { Feed } from '../account/Feed.tsx';
import { api, call } from '../http.ts';
import { useSession } from '../session.tsx';
import { ClientShell } from '../shell/ClientShell.tsx';
import { scheduling } from '../strings/scheduling.ts';
import type { MyAppointment } from '../types.ts';
import { Await, Badge, Bones, Button, Empty, Heading, Icon, LinkButton, Note, ProblemNote, WithPhone, deviceZone, spoken, statusBadge, useAct, useLoad, whereOf, zoneName } from '../ui/index.ts';
import { Offers, WaitRows, loadWaits } from './Waits.tsx';

const words = scheduling.list;

const list = (when: 'upcoming' | 'past', cursor?: string) => call(api.GET('/portal/appointments', { params: { query: cursor ? { when, cursor } : { when } } }));

/** Whether it is still to come about: asked for, offered, or confirmed. */
export function isLive(one: { status: string }): boolean {
  return ['requested', 'proposed', 'confirmed'].includes(one.status);
}

/** Whether times can be booked here, as the session knows. */
export function useBooking(): boolean {
  return useSession().features.self_scheduling?.on === true;
}

export default function Appointments() {
  const open = useBooking();
  const loaded = useLoad(async () => {
    const [upcoming, past, waits] = await Promise.all([list('upcoming'), list('past'), loadWaits()]);
    // What was cancelled is over, even if its time is still to come.
    const over = upcoming.items.filter((one) => !isLive(one)).reverse();
    return { upcoming: upcoming.items.filter(isLive), past: { ...past, items: [...over, ...past.items] }, phone: upcoming.phone, waits: waits.items.filter((each) => !over.some((one) => one.appointment_id === each.appointment_id)) }; // nothing is earlier than what is cancelled
  }, []);
  return (
    <ClientShell>
      <div class="stack g6">
        <div class="split"><div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>{open ? <LinkButton look={loaded.data?.waits.some((one) => one.starts_at) ? undefined : 'primary'} icon="calendar" href="/appointments/new">{words.choose}</LinkButton> : null}</div>
        <Await within of={loaded} bones={<Bones rows={3} />}>
          {({ upcoming, past, phone, waits }) => (
            <>
              {open ? null : <Note tone="info" icon="phone"><WithPhone text={words.off(phone)} phone={phone} /></Note>}
              <Offers items={waits} onChange={loaded.reload} />
              <section class="stack g3" aria-labelledby="upcoming">
                <h2 id="upcoming">{words.upcoming}</h2>
                {upcoming.length ? <Rows items={upcoming} /> : <div class="card flush"><Empty level={3} icon="calendar" title={words.emptyTitle}>{words.empty}</Empty></div>}
              </section>
              <WaitRows items={waits} onChange={loaded.reload} />
              <Past first={past} />
            </>
          )}
        </Await>
        <Feed />
      </div>
    </ClientShell>
  );
}

function Past({ first }: { first: { items: MyAppointment[]; next_cursor: string | null } }) {
  const [older, setOlder] = useState<MyAppointment[]>([]);
  const [cursor, setCursor] = useState(first.next_cursor);
  const more = useAct(async () => {
    const page = await list('past', cursor ?? undefined);
    setOlder((known) => [...known, ...page.items]);
    setCursor(page.next_cursor);
  });
  const items = [...first.items, ...older];
  if (!items.length) return null;
  return (
    <section class="stack g3" aria-labelledby="past">
      <h2 id="past">{words.past}</h2>
      <Rows items={items} />
      {cursor ? <div><Button busy={more.busy} onClick={() => void more.run()}>{words.more}</Button></div> : null}
      <ProblemNote problem={more.problem} />
    </section>
  );
}

function Rows({ items }: { items: MyAppointment[] }) {
  return <ul class="card flush rows">{items.map((one) => <li key={one.appointment_id}><AppointmentRow one={one} /></li>)}</ul>;
}

/** One appointment as a line that leads to it. */
export function AppointmentRow({ one }: { one: MyAppointment }) {
  const zone = deviceZone();
  const badge = statusBadge(one);
  return (
    <a class="row" href={`/appointments/${one.appointment_id}`}>
      <span class="glyph"><Icon name="calendar" /></span>
      <div class="stack g1">
        <p class="strong">{spoken(one, zone)}</p>
        <p class="small soft">{[zoneName(zone, new Date(one.starts_at)), one.therapist, whereOf(one)].join(' · ')}</p>
        <p><Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge></p>
      </div>
      <Icon name="right" />
    </a>
  );
}
