/** Requests that wait for an answer: who, when, and the two ways to answer. On Today and above the calendar. */
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { calendar } from '../../strings/calendar.ts';
import type { CalendarEntry } from '../../types.ts';
import { Badge, Button, LinkButton, Note, brief, statusBadge, useAct, useLoad, type Loaded } from '../../ui/index.ts';
import { Failed, sentenceOf } from '../parts.tsx';
import { requestsChanged } from './count.ts';

const words = calendar.requests;

export function useRequests() {
  return useLoad(() => call(api.GET('/practice/requests')), []);
}

/** Nothing at all while nothing waits, so that it can stand on a page that is quiet. */
export function Requests({ of: found, onChange, narrow }: { of: Loaded<{ items: CalendarEntry[]; total: number }>; onChange?: () => unknown; narrow?: boolean }) {
  const [told, setTold] = useState('');
  const items = found.data?.items ?? [];
  const done = async (text: string) => { setTold(text); requestsChanged(); await found.reload(); await onChange?.(); };
  return (
    <>
      <div role="status" class="hint-slot">{told ? <Note tone="good">{told}</Note> : null}</div>
      {found.problem && found.problem.status !== 401 ? <Note tone="warn" action={<Button mini onClick={() => void found.reload()}>{calendar.availability.reload}</Button>}>{sentenceOf(found.problem)}</Note> : null}
      {items.length ? (
        <section class={narrow ? 'card flush narrownews' : 'card flush'} aria-labelledby="requests">
          <div class="cardhead"><h2 id="requests" tabIndex={-1}>{found.data!.total ? words.title(found.data!.total) : words.offered}</h2></div>
          <ul class="rows">{items.map((one) => <Request key={one.appointment_id} one={one} onDone={done} />)}</ul>
        </section>
      ) : null}
    </>
  );
}

function Request({ one, onDone }: { one: CalendarEntry; onDone: (told: string) => Promise<void> }) {
  const { tenant, person } = useSession();
  const key = useRef(newKey());
  const name = one.client_name ?? calendar.page.hidden;
  const confirm = useAct(async () => {
    await call(api.POST('/practice/clients/{client_id}/appointments/{appointment_id}/confirmation', {
      params: { path: { client_id: one.client_id!, appointment_id: one.appointment_id }, header: { 'If-Match': one.etag, 'Idempotency-Key': key.current } },
    }));
    await onDone(words.confirmed(name));
  });
  const badge = statusBadge(one);
  return (
    <li class="news">
      <div class="stack g1">
        <p class="strong">{name}</p>
        <p class="small">{[brief(one.starts_at, tenant.zone), one.service, ...(one.staff_id === person.id ? [] : [one.therapist])].join(' · ')}</p>
        <p class="cluster g2"><Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge>{one.held_until ? <span class="tiny soft">{words.held(brief(one.held_until, tenant.zone))}</span> : null}</p>
        <Failed problem={confirm.problem} />
      </div>
      {one.client_id ? (
        <div class="news-acts">
          {one.status === 'requested' ? <Button mini busy={confirm.busy} onClick={() => void confirm.run()}>{words.confirm}<span class="hidden">{words.of(name)}</span></Button> : null}
          <LinkButton mini href={`/staff/clients/${one.client_id}/appointments/${one.appointment_id}`}>{one.status === 'requested' ? words.open : words.look}<span class="hidden">{words.of(name)}</span></LinkButton>
        </div>
      ) : null}
    </li>
  );
}
