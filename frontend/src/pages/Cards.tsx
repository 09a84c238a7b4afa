/** Saved cards, and paying by itself: what it means, turning it on, turning it off. */
import { useState } from 'preact/hooks';
import { api, call } from '../http.ts';
import { cardName } from '../money/index.ts';
import { useSession } from '../session.tsx';
import { ClientShell } from '../shell/ClientShell.tsx';
import { payments } from '../strings/payments.ts';
import type { MyBilling, MyCards, SavedCard } from '../types.ts';
import { Await, Badge, Bones, Button, Check, Dialog, Empty, FieldError, Heading, Icon, longDay, Note, ProblemNote, useAct, useLoad, useToast, WithPhone } from '../ui/index.ts';

const words = payments.cards;

export default function CardsPage() {
  const loaded = useLoad(async () => {
    const [cards, billing] = await Promise.all([call(api.GET('/portal/cards')), call(api.GET('/portal/billing'))]);
    return { cards, billing };
  }, []);
  return (
    <ClientShell>
      <div class="stack g6">
        <div class="stack g3">
          <ol class="crumbs"><li><a href="/payments">{payments.page.wayBack}</a></li><li aria-current="page">{words.title}</li></ol>
          <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>
        </div>
        <Await within of={loaded} bones={<Bones rows={2} />}>
          {({ cards, billing }) => (
            <>
              <Saved cards={cards} canPay={billing.can_pay} put={(now) => loaded.put({ cards: now, billing })} />
              <Autopay cards={cards} billing={billing} put={(now) => loaded.put({ cards: now, billing })} />
            </>
          )}
        </Await>
      </div>
    </ClientShell>
  );
}

interface Part { cards: MyCards; put: (now: MyCards) => void }

function Saved({ cards, canPay, put }: Part & { canPay: boolean }) {
  const say = useToast();
  const [asked, setAsked] = useState<SavedCard | null>(null);
  const remove = useAct(async (card_id: string) => {
    put(await call(api.POST('/portal/cards/removal', { body: { card_id } })));
    setAsked(null);
    say(words.removed);
  });
  const shut = () => { if (!remove.busy) setAsked(null); };
  if (!cards.items.length) return <div class="card flush"><Empty icon="card" title={words.empty}>{canPay ? words.emptyText : null}</Empty></div>;
  return (
    <>
      <ul class="card flush rows">
        {cards.items.map((one) => (
          <li key={one.card_id}>
            <div class="row">
              <span class="glyph"><Icon name="card" /></span>
              <div class="stack g1"><p class="strong">{cardName(one)}</p><p class="small soft">{payments.cardUntil(one.month, one.year)}</p>{one.autopay ? <p><Badge tone="info">{words.auto}</Badge></p> : null}</div>
              <Button mini look="quiet" onClick={() => { remove.clear(); setAsked(one); }}>{words.remove}<span class="hidden">: {cardName(one)}</span></Button>
            </div>
          </li>
        ))}
      </ul>
      <Dialog
        open={asked !== null} onClose={shut} title={asked ? words.removeTitle(cardName(asked)) : ''}
        actions={<><Button look="danger" busy={remove.busy} onClick={() => void remove.run(asked!.card_id)}>{words.remove}</Button><Button onClick={shut}>{words.keep}</Button></>}
      >
        <p>{asked?.autopay ? `${words.removeAuto} ${words.removeText}` : words.removeText}</p>
        <ProblemNote problem={remove.problem} />
      </Dialog>
    </>
  );
}

function Autopay({ cards, billing, put }: Part & { billing: MyBilling }) {
  const { tenant } = useSession();
  const say = useToast();
  const active = cards.items.find((one) => one.autopay) ?? null;
  const [card, setCard] = useState(active?.card_id ?? cards.items[0]?.card_id ?? '');
  const [agreed, setAgreed] = useState(false);
  const [fault, setFault] = useState(false);
  const start = useAct(async () => {
    put(await call(api.PUT('/portal/autopay', { body: { card_id: card } })));
    setAgreed(false);
    say(words.started);
  });
  const stop = useAct(async () => {
    await call(api.DELETE('/portal/autopay'));
    put({ autopay_since: null, items: cards.items.map((one) => ({ ...one, autopay: false })) });
    say(words.stopped);
  });
  const submit = (event: Event) => {
    event.preventDefault();
    setFault(!agreed);
    if (agreed) void start.run();
  };
  const choosing = !active && cards.items.length > 0 && billing.can_pay;
  return (
    <section class="card stack g4" aria-labelledby="autopay">
      <div class="stack g2">
        <h2 id="autopay">{words.autopay}</h2>
        <p>{words.autopayWhat}</p>
        <ul class="bullets small soft">{words.autopayHow.map((text) => <li key={text}>{text}</li>)}</ul>
      </div>
      {active ? (
        <>
          <Note tone="good">{words.on(cardName(active), cards.autopay_since ? longDay(cards.autopay_since, tenant.zone) : '')}</Note>
          <div><Button busy={stop.busy} onClick={() => void stop.run()}>{words.stop}</Button></div>
        </>
      ) : null}
      {!active && !cards.items.length && billing.can_pay ? <p class="small strong">{words.noCard}</p> : null}
      {!active && !billing.can_pay ? <Note tone="info" icon="phone"><WithPhone text={payments.off(billing.why_not, billing.phone)} phone={billing.phone} /></Note> : null}
      {choosing ? (
        <form class="stack g4" noValidate onSubmit={submit}>
          {cards.items.length > 1 ? (
            <fieldset class="field">
              <legend>{words.which}</legend>
              <div class="stack g2">{cards.items.map((one) => <label class="choice" key={one.card_id}><input type="radio" name="card" checked={card === one.card_id} onChange={() => setCard(one.card_id)} /><span>{cardName(one)}</span></label>)}</div>
            </fieldset>
          ) : <p class="strong">{cardName(cards.items[0]!)}</p>}
          <div class={fault ? 'field invalid' : 'field'}>
            {fault ? <FieldError id="agree-error" text={words.needAgree} /> : null}
            <Check id="agree" checked={agreed} invalid={fault} describedBy={fault ? 'agree-error' : undefined} onChange={(on) => { setAgreed(on); setFault(false); }}>{words.agree(tenant.name)}</Check>
          </div>
          <div><Button type="submit" look="primary" busy={start.busy}>{words.start}</Button></div>
        </form>
      ) : null}
      <ProblemNote problem={start.problem ?? stop.problem} />
    </section>
  );
}
