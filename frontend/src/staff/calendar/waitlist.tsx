/** Who waits for an earlier time, in order; staff can take somebody off the list. */
import { useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { calendar } from '../../strings/calendar.ts';
import type { Waiter } from '../../types.ts';
import { Badge, Button, Dialog, Heading, Icon, brief, dayWords, useAct, useLoad, useToast, whereOf } from '../../ui/index.ts';
import { Failed, Ready, RowBones } from '../parts.tsx';
import { momentInSentence } from '../when.ts';

const words = calendar.waits;

export function WaitListPage() {
  const { roles } = useSession();
  const loaded = useLoad(() => call(api.GET('/practice/waits')), []);
  return (
    <>
      <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>
      <Ready of={loaded} bones={<RowBones />} heading={false}>
        {({ items }) => items.length ? (
          [...new Set(items.map((one) => one.staff_id))].map((id) => {
            const these = items.filter((one) => one.staff_id === id);
            return (
              <section class="card flush" key={id} aria-labelledby={`list-${id}`}>
                <div class="cardhead"><h2 id={`list-${id}`}>{roles.includes('administrator') ? these[0]!.therapist : words.yours}</h2><span class="small soft">{words.count(these.length)}</span></div>
                <ol class="rows">{these.map((one) => <Row key={one.wait_id} one={one} onGone={loaded.reload} />)}</ol>
              </section>
            );
          })
        ) : <section class="card"><div class="empty"><span class="glyph"><Icon name="clock" /></span><h2>{words.emptyTitle}</h2><p class="small">{words.empty}</p></div></section>}
      </Ready>
    </>
  );
}

function Row({ one, onGone }: { one: Waiter; onGone: () => Promise<void> }) {
  const { tenant } = useSession();
  const say = useToast();
  const [asking, setAsking] = useState(false);
  const name = one.client_name ?? calendar.page.hidden;
  const remove = useAct(async () => {
    await call(api.DELETE('/practice/clients/{client_id}/waits/{wait_id}', { params: { path: { client_id: one.client_id!, wait_id: one.wait_id } } }));
    setAsking(false);
    say(words.removed(name));
    await onGone();
  });
  return (
    <li class="news">
      <div class="stack g1">
        <p class="strong">{one.client_id ? <a href={`/staff/clients/${one.client_id}/appointments`}>{name}</a> : name}</p>
        <p class="small">{[one.service, whereOf(one), one.earlier ? words.earlier : words.any, ...(one.before_day ? [words.before(dayWords(one.before_day, 'short'))] : [])].join(' · ')}</p>
        <p class="cluster g2">
          <Badge tone={one.starts_at ? 'info' : 'plain'} hollow={!one.starts_at}>{one.starts_at ? words.offered(brief(one.starts_at, tenant.zone)) : words.waiting}</Badge>
          <span class="tiny soft">{one.held_until ? calendar.requests.held(brief(one.held_until, tenant.zone)) : words.since(momentInSentence(one.since, tenant.zone))}</span>
        </p>
      </div>
      {one.client_id ? <div class="news-acts"><Button mini look="quiet" onClick={() => setAsking(true)}>{words.remove}<span class="hidden"> {name}</span></Button></div> : null}
      <Dialog open={asking} onClose={() => setAsking(false)} title={words.removeTitle(name)}
        actions={<><Button look="danger" busy={remove.busy} onClick={() => void remove.run()}>{words.remove}</Button><Button onClick={() => setAsking(false)}>{words.keep}</Button></>}>
        <p>{one.starts_at ? words.removeOffered : words.removeText}</p>
        <Failed problem={remove.problem} />
      </Dialog>
    </li>
  );
}
