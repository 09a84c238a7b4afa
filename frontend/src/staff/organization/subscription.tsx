/** Organization > Client Portal > Subscription: the plan, the portal seats, and this month's bill. */
import { useState } from 'preact/hooks';
import { api, asProblem, call } from '../../http.ts';
import { load, useSession } from '../../session.tsx';
import { organization } from '../../strings/organization.ts';
import { staff } from '../../strings/staff.ts';
import type { Bill, Plan, Subscription } from '../../types.ts';
import { Badge, Button, calendarDate, Dialog, Icon, Note, Switch, useAct, useLoad } from '../../ui/index.ts';
import { Failed, Ready, RecordBones } from '../parts.tsx';

const words = organization.subscription;
const FEATURES = ['invitations', 'intake_forms', 'payments', 'messaging', 'self_scheduling'] as const;

type Money = { amount: number; currency: string };
const money = (of: Money) => organization.money(of.amount, of.currency);
const nameOf = (plan: string) => staff.plans[plan] ?? plan;
const featureName = (feature: string) => staff.settings.feature[feature]?.name ?? feature;

export function SubscriptionTab() {
  const { roles } = useSession();
  return roles.includes('administrator') ? <ForAdministrators /> : <ForOthers />;
}

/** What a therapist sees: their own seat. */
function ForOthers() {
  const { seat } = useSession();
  return (
    <section class="card stack g3" aria-labelledby="mine">
      <h2 id="mine">{staff.subscription.mine}</h2>
      <Note tone={seat ? 'good' : 'plain'}><strong>{seat ? staff.subscription.have : staff.subscription.haveNot}</strong><br />{seat ? staff.subscription.haveText : staff.subscription.haveNotText}</Note>
      <p class="small soft">{words.readOnly}</p>
    </section>
  );
}

function ForAdministrators() {
  const found = useLoad(() => call(api.GET('/practice/subscription')), []);
  return <Ready of={found} bones={<RecordBones />} heading={false}>{(data) => <Page data={data} put={found.put} reload={found.reload} />}</Ready>;
}

interface Part { data: Subscription; put: (next: Subscription) => void; reload: () => Promise<void> }

function Page(part: Part) {
  return (
    <div class="beside">
      <div class="stack g4"><Plans {...part} /><Month bill={part.data.bill} /></div>
      <aside class="stack g4"><Seats {...part} /></aside>
    </div>
  );
}

/* ---------- the plan ---------- */
function Plans({ data, put, reload }: Part) {
  const [wanted, setWanted] = useState<Plan | null>(null);
  const [told, setTold] = useState('');
  const act = useAct(async (plan: Plan) => {
    setWanted(null);
    setTold('');
    try {
      put(await call(api.POST('/practice/subscription/plan', { params: { header: { 'If-Match': data.etag } }, body: { plan: plan.plan as 'basic' | 'plus' } })));
      setTold(words.changed(nameOf(plan.plan)));
      void load();
    } catch (cause) {
      if (asProblem(cause).status === 412) await reload();
      throw cause;
    }
  });
  const current = data.plans.find((one) => one.current);
  const gains = wanted ? wanted.features.filter((one) => !current?.features.includes(one)) : [];
  return (
    <section class="card flush" aria-labelledby="plan">
      <div class="cardhead"><h2 id="plan">{staff.organization.plan(nameOf(data.plan))}</h2><Badge tone="good">{words.current}</Badge></div>
      <table class="plans">
        <caption class="hidden">{staff.subscription.includes}</caption>
        <thead><tr><th scope="col">{staff.subscription.feature}</th>{data.plans.map((one) => <th scope="col" key={one.plan}>{nameOf(one.plan)}</th>)}</tr></thead>
        <tbody>
          {FEATURES.map((feature) => (
            <tr key={feature}><th scope="row" class="rowhead">{featureName(feature)}</th>{data.plans.map((one) => <td key={one.plan}><Included on={one.features.includes(feature)} /></td>)}</tr>
          ))}
          <tr><th scope="row" class="rowhead">{words.seats}</th>{data.plans.map((one) => <td key={one.plan} class="small soft">{words.perSeat(money(one.price_per_seat))}</td>)}</tr>
          <tr><th scope="row" class="rowhead">{words.price}</th>{data.plans.map((one) => <td key={one.plan} class="strong">{words.month(money(one.price))}</td>)}</tr>
        </tbody>
      </table>
      <div class="cardhead foothead">
        {data.plans.filter((one) => !one.current).map((one) => <Button key={one.plan} busy={act.busy} busyLabel={words.changing} onClick={() => setWanted(one)}>{words.change(nameOf(one.plan))}</Button>)}
        <p class="small soft" role="status">{told}</p>
      </div>
      {act.problem && <div class="inset"><Failed problem={act.problem} /></div>}
      <Dialog open={wanted !== null} onClose={() => setWanted(null)} title={words.upTitle(nameOf(wanted?.plan ?? ''))} actions={<><Button look={wanted?.stops.length ? 'danger' : 'primary'} onClick={() => { if (wanted) void act.run(wanted); }}>{words.yes(nameOf(wanted?.plan ?? ''))}</Button><Button onClick={() => setWanted(null)}>{words.no}</Button></>}>
        {wanted && (
          <>
            {gains.length > 0 && <><p>{words.gains}</p><ul class="dots">{gains.map((one) => <li key={one}>{featureName(one)}</li>)}</ul></>}
            {wanted.stops.length > 0 ? <><p>{words.stops}</p><ul class="dots">{wanted.stops.map((one) => <li key={one}>{words.stopsText[one] ?? featureName(one)}</li>)}</ul><p class="soft">{words.nothingLost}</p></> : <p>{words.noStops}</p>}
            <p>{words.charge(money(wanted.price))}</p>
          </>
        )}
      </Dialog>
    </section>
  );
}

function Included({ on }: { on: boolean }) {
  return <span class={on ? 'included' : 'included not'}><Icon name={on ? 'check' : 'cross'} /><span>{on ? staff.subscription.yes : staff.subscription.no}</span></span>;
}

/* ---------- seats ---------- */
type Seat = Subscription['seats'][number];

function Seats({ data, put }: Part) {
  const { person } = useSession();
  const [ending, setEnding] = useState<Seat | null>(null);
  const [told, setTold] = useState('');
  const price = money(data.plans.find((one) => one.current)!.price_per_seat);
  // Whose seat costs nothing all month, as the bill has it; in a trial there is no bill.
  const free = (seat: Seat) => data.bill.expected.some((line) => line.what === 'seat' && line.name === seat.name && line.amount.amount === 0);
  const act = useAct(async (seat: Seat, on: boolean) => {
    setEnding(null);
    setTold('');
    put(await call(api.POST('/practice/staff/{staff_id}/seat', { params: { path: { staff_id: seat.staff_id } }, body: { seat: on } })));
    setTold(on ? words.seatGiven(seat.name) : words.seatEnded(seat.name));
    if (seat.staff_id === person.id) void load();
  });
  return (
    <section class="card flush" aria-labelledby="seats">
      <div class="cardhead"><div class="stack g1"><h2 id="seats">{words.seats}</h2><p class="small soft">{words.seatsLead}</p><p class="small soft">{words.seatsPrice(price)}</p></div></div>
      <ul class="rows">
        {data.seats.map((seat) => (
          <li key={seat.staff_id} class="row">
            <div class="stack g1"><label for={`seat-${seat.staff_id}`}>{seat.name}</label>{seat.status === 'invited' && <span class="tiny soft">{words.invited}</span>}</div>
            <div class="line"><span class="small soft num nb" id={`price-${seat.staff_id}`}>{seat.seat && free(seat) ? words.seatFree : words.seatPrice(price)}</span>
            <Switch id={`seat-${seat.staff_id}`} describedBy={`price-${seat.staff_id}`} on={seat.seat} onChange={(on) => { if (on) void act.run(seat, true); else setEnding(seat); }} /></div>
          </li>
        ))}
      </ul>
      <p class={told ? 'small soft inset' : 'hidden'} role="status">{told}</p>
      {act.problem && <div class="inset"><Failed problem={act.problem} /></div>}
      <Dialog open={ending !== null} onClose={() => setEnding(null)} title={words.seatTitle(ending?.name ?? '')} actions={<><Button look="danger" onClick={() => { if (ending) void act.run(ending, false); }}>{words.seatYes}</Button><Button onClick={() => setEnding(null)}>{words.seatNo}</Button></>}>
        <p>{words.seatText}</p>
      </Dialog>
    </section>
  );
}

/* ---------- the bill ---------- */
function Month({ bill }: { bill: Bill }) {
  const month = new Intl.DateTimeFormat('en-US', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${bill.month}-15T12:00:00Z`));
  const label = (line: Bill['expected'][number]) => (line.what === 'plan' ? words.plan(nameOf(line.name)) : words.seatLine(line.name));
  const soFar = (line: Bill['expected'][number]) => bill.so_far.find((one) => one.what === line.what && one.name === line.name);
  return (
    <section class="card flush" aria-labelledby="bill">
      <div class="cardhead"><div class="stack g1"><h2 id="bill">{words.bill}</h2><p class="small soft">{words.billLead(month, calendarDate(bill.until))}</p></div></div>
      {bill.expected.length === 0 ? <p class="small soft inset">{words.nothing}</p> : (
        <table class="fold">
          <thead><tr><th scope="col">{words.lines.what}</th><th scope="col">{words.lines.days}</th><th scope="col">{words.lines.soFar}</th><th scope="col">{words.lines.expected}</th></tr></thead>
          <tbody>
            {bill.expected.map((line) => {
              const now = soFar(line);
              return (
                <tr key={`${line.what}-${line.name}`}>
                  <td>{label(line)}</td>
                  <td class="num" data-label={words.lines.days}><div>{words.days(line.days)}{line.free_days > 0 && <><br /><span class="tiny soft">{words.freeDays(line.free_days)}</span></>}</div></td>
                  <td class="num" data-label={words.lines.soFar}>{now ? money(now.amount) : money({ ...line.amount, amount: 0 })}</td>
                  <td class="num" data-label={words.lines.expected}>{money(line.amount)}</td>
                </tr>
              );
            })}
            <tr><td class="strong">{words.total}</td><td /><td class="num strong" data-label={words.lines.soFar}>{money(bill.total_so_far)}</td><td class="num strong" data-label={words.lines.expected}>{money(bill.total_expected)}</td></tr>
          </tbody>
        </table>
      )}
      <details class="inset"><summary>{words.rule}</summary><p class="small soft">{words.ruleText}</p></details>
    </section>
  );
}
