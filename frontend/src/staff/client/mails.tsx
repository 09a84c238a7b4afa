/** What was mailed to a client, what became of it in words and times; and mailing the login link. */
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Button, Dialog, useAct } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { Client, Invite, Mail } from '../../types.ts';
import { DeliveryBadge, Failed } from '../parts.tsx';
import { moment, momentInSentence } from '../when.ts';

const words = staff.mails;

/** Every piece of news of one mail, oldest first. */
export function News({ news }: { news: Invite['news'] }) {
  const { tenant } = useSession();
  if (news.length === 0) return null;
  return (
    <ul class="tiny soft">
      {news.map((one) => <li key={one.delivery}>{words.newsAt(staff.invite.delivery[one.delivery] ?? one.delivery, momentInSentence(one.at, tenant.zone))}</li>)}
    </ul>
  );
}

export function Mails({ mails }: { mails: Mail[] }) {
  const { tenant } = useSession();
  return (
    <section class="card flush" aria-labelledby="mails">
      <div class="cardhead"><div class="stack g1"><h2 id="mails">{words.title}</h2><p class="small soft">{words.help}</p></div></div>
      <table class="fold">
        <thead><tr><th scope="col">{words.what}</th><th scope="col">{words.when}</th><th scope="col">{words.state}</th></tr></thead>
        <tbody>
          {mails.map((one) => (
            <tr key={one.mail_id}>
              <td><span class="strong">{words.kind[one.template] ?? words.other}</span></td>
              <td class="num" data-label={words.when}>{one.created_at ? moment(one.created_at, tenant.zone) : words.none}</td>
              <td data-label={words.state}><div class="stack g1"><span><DeliveryBadge delivery={one.delivery} /></span><News news={one.news} /></div></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function LoginLinkButton({ client, onDone }: { client: Client; onDone: (told: string) => unknown }) {
  const [open, setOpen] = useState(false);
  const key = useRef('');
  const act = useAct(async () => {
    const path = { client_id: client.client_id };
    await call(api.POST('/practice/clients/{client_id}/login-link', { params: { path, header: { 'Idempotency-Key': key.current } } }));
    setOpen(false);
    await onDone(words.linkSent(client.email ?? ''));
  });
  const shut = () => { if (!act.busy) setOpen(false); };
  return (
    <div>
      <Button icon="mail" onClick={() => { key.current = newKey(); act.clear(); setOpen(true); }}>{words.sendLink}</Button>
      <Dialog
        open={open} onClose={shut} title={words.sendLinkTitle}
        actions={<>
          <Button look="primary" busy={act.busy} busyLabel={words.sending} onClick={() => void act.run()}>{words.sendYes}</Button>
          <Button look="quiet" onClick={shut}>{words.sendNo}</Button>
        </>}
      >
        <p class="soft">{words.sendLinkText(client.name, client.email ?? '')}</p>
        <Failed problem={act.problem} />
      </Dialog>
    </div>
  );
}
