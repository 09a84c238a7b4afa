/** Paying one invoice by a link, without an account: practice, number and amount, and nothing else. */
import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { api, asProblem, call } from '../http.ts';
import { keep, recall } from '../keep.ts';
import { setOrganization, Await, Bones, Button, Empty, Heading, Icon, money, Note, OfflineNote, ProblemNote, useAct, useBodyClass, useEvery, useLoad, useSlow, WithPhone, type Loaded } from '../ui/index.ts';
import { SkipLink } from '../shell/shells.tsx';
import { payments } from '../strings/payments.ts';
import type { GuestPage } from '../types.ts';
import { Told } from './PayDone.tsx';

const words = payments.guest;
const LONG = 25_000;

/** The secret of the link: from the address, where it is wiped at once; this tab keeps it for the way back. */
function useToken(): string {
  const [token] = useState(() => {
    const found = location.hash.slice(1);
    if (found) {
      keep('guest', found);
      history.replaceState(history.state, '', location.pathname + location.search);
    }
    return found || (recall<string>('guest') ?? '');
  });
  return token;
}

const look = (token: string) => call(api.POST('/guest-payments/lookup', { body: { token } }));

export default function GuestPay() {
  const token = useToken();
  const { path, query } = useLocation();
  const back = path.startsWith('/pay/done') && query['cancelled'] === undefined;
  useBodyClass('task');
  useEffect(() => setOrganization(''), []);
  const short = token.length < 20 || token.length > 300;
  return <><SkipLink />{short ? <Frame><Missing /></Frame> : <Look token={token} back={back} />}</>;
}

/** Whose page it is, once that is known. */
function Frame({ name, children }: { name?: string; children: preact.ComponentChildren }) {
  return (
    <>
      <header class="bar"><span class="brand"><span class="mark"><Icon name="card" /></span>{name ?? words.title}</span></header>
      <main id="main" tabIndex={-1}><OfflineNote text={words.offline} />{children}</main>
    </>
  );
}

function Missing() {
  return <div class="card flush"><Empty level={1} icon="search" title={words.missingTitle}>{words.missing}</Empty></div>;
}

function Look({ token, back }: { token: string; back: boolean }) {
  const loaded = useLoad(() => look(token), [token]);
  if (loaded.problem && (loaded.problem.status === 404 || loaded.problem.status === 422) && !loaded.data) return <Frame><Missing /></Frame>;
  return <Frame name={loaded.data?.organization}><Await of={loaded} bones={<Bones rows={2} />}>{(page) => <One page={page} token={token} back={back} put={loaded.put} refresh={loaded.refresh} />}</Await></Frame>;
}

function One({ page, token, back, put, refresh }: { page: GuestPage; token: string; back: boolean } & Pick<Loaded<GuestPage>, 'put' | 'refresh'>) {
  const waiting = page.state === 'processing' || (back && page.state === 'open');
  const long = useSlow(waiting, LONG);
  const amount = money(page.amount);
  const [lost, setLost] = useState(false);
  useEvery(long ? 20_000 : 3000, waiting, () => void refresh(() => look(token)).then(() => setLost(false), () => setLost(true)));
  const pay = useAct(async () => {
    try {
      location.assign((await call(api.POST('/guest-payments', { body: { token } }))).address);
    } catch (cause) {
      if (asProblem(cause).status !== 403 && asProblem(cause).status !== 409) throw cause;
      const now = await look(token); // switched off or paid meanwhile: the page says which
      put(now);
      if (now.can_pay && now.state === 'open') throw cause;
    }
  });
  if (page.state === 'paid') return <Told icon="check" tone="good" title={words.paidTitle} text={words.paid(amount, page.organization)} />;
  if (page.state === 'ended') return <Told icon="info" title={words.endedTitle} text={words.ended(page.organization, page.phone)} />;
  if (waiting && !(long && page.state === 'open')) {
    return <div class="stack g4"><Told icon="clock" wait title={words.waitTitle} text={words.wait} />{lost ? <Note tone="warn" icon="offline" live>{payments.done.lost}</Note> : null}</div>;
  }
  return (
    <div class="stack g5">
      <div class="stack g2"><Heading move={waiting ? words.openTitle : words.title}>{waiting ? words.openTitle : words.title}</Heading><p class="soft">{waiting ? words.open : words.for(page.organization)}</p></div>
      <div class="card lead stack g5">
        <div class="sum"><span>{payments.invoice(page.number)}</span><b class="num">{amount}</b></div>
        {page.can_pay ? (
          <div class="stack g3">
            <Button look={waiting ? 'plain' : 'primary'} wide busy={pay.busy} busyLabel={payments.page.going} onClick={() => void pay.run()}>{waiting ? words.back : payments.page.pay(amount)}</Button>
            <p class="tiny faint line"><Icon name="lock" /><span>{payments.page.where}</span></p>
          </div>
        ) : <Note tone="info" icon="phone"><WithPhone text={(page.enough_for_card ? words.off : words.tooLittle)(page.organization, page.phone)} phone={page.phone} /></Note>}
        <ProblemNote problem={pay.problem} />
      </div>
      <p class="tiny soft">{words.private}</p>
    </div>
  );
}
