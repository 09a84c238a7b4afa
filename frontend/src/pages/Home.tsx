/** The client's start page: the one thing that needs them now, then the rest. */
import { api, call } from '../http.ts';
import { useNews } from '../messages/news.ts';
import { invoiceBadge, planOf, tooMuch } from '../money/index.ts';
import { useSession } from '../session.tsx';
import { ClientShell } from '../shell/ClientShell.tsx';
import { client } from '../strings/client.ts';
import { messages } from '../strings/messages.ts';
import { payments } from '../strings/payments.ts';
import { scheduling } from '../strings/scheduling.ts';
import type { Home as HomeView, Intake, MyAppointment, MyBilling, MyWait } from '../types.ts';
import { Await, Badge, Bones, Heading, Icon, LinkButton, money, useLoad, weekday } from '../ui/index.ts';
import { AppointmentRow, isLive } from './Appointments.tsx';
import { allIntakes } from './Forms.tsx';
import { Offers, loadWaits } from './Waits.tsx';

const words = client.home;

export default function Home() {
  const session = useSession();
  const loaded = useLoad(async () => {
    const [home, intakes, ahead, billing, waits] = await Promise.all([call(api.GET('/portal/home')), allIntakes(), call(api.GET('/portal/appointments')), call(api.GET('/portal/billing')), loadWaits()]);
    return { home, intakes, ahead: ahead.items.filter(isLive), billing, waits: waits.items.filter((one) => one.starts_at) };
  }, []);
  const name = loaded.data?.home.first_name ?? session.person.first_name;
  return (
    <ClientShell>
      <div class="stack g6">
        <div class="stack g1"><p class="soft">{weekday(new Date())}</p><Heading>{words.hello(name)}</Heading></div>
        <Await within of={loaded} bones={<Bones rows={3} />}>{(all) => <Content {...all} reload={loaded.reload} />}</Await>
      </div>
    </ClientShell>
  );
}

/** What waits for an answer of the client's, and the next appointment. */
function Next({ ahead }: { ahead: MyAppointment[] }) {
  const offered = ahead.filter((one) => one.status === 'proposed');
  const next = ahead.find((one) => one.status !== 'proposed');
  const shown = next ? [...offered, next] : offered;
  if (!shown.length) return null;
  return (
    <section class="stack g3" aria-labelledby="next">
      <h2 id="next">{offered.length ? scheduling.list.nextOne : scheduling.list.next}</h2>
      <ul class="card flush rows">{shown.map((one) => <li key={one.appointment_id}><AppointmentRow one={one} /></li>)}</ul>
    </section>
  );
}

interface ContentProps { home: HomeView; intakes: Intake[]; ahead: MyAppointment[]; billing: MyBilling; waits: MyWait[]; reload: () => Promise<void> }

function Content({ home, intakes, ahead, billing, waits, reload }: ContentProps) {
  const { unread } = useNews();
  const offered = ahead.some((one) => one.status === 'proposed');
  const intake = home.next ? intakes.find((one) => one.intake_id === home.next?.intake_id) ?? null : null;
  const next = <Next ahead={ahead} />;
  return (
    <>
      <Offers items={waits} onChange={reload} />
      {offered ? next : null}
      <section class="stack g3" aria-labelledby="needs">
        <h2 id="needs" class="hidden">{words.needs}</h2>
        {home.next ? <Lead home={home} intake={intake} next={home.next} /> : offered || waits.length || unread || billing.open.length ? null : (
          <div class="card stack g2"><div class="line"><span class="glyph"><Icon name="check" /></span><div class="stack g1"><h3>{words.nothing}</h3><p class="small soft">{words.nothingText}</p></div></div></div>
        )}
        <ToPay billing={billing} leads={!home.next && !offered && !waits.length} />
        {unread ? (
          <ul class="card flush rows">
            <li><a class="row" href="/messages"><span class="glyph"><Icon name="message" /></span><div><p class="strong">{messages.home(unread)}</p><p class="small soft">{messages.homeText}</p></div><Icon name="right" /></a></li>
          </ul>
        ) : null}
        {home.reach_missing ? (
          <ul class="card flush rows">
            <li><a class="row" href="/profile"><span class="glyph"><Icon name="phone" /></span><div><p class="strong">{words.reach}</p><p class="small soft">{words.reachText}</p></div><Icon name="right" /></a></li>
          </ul>
        ) : null}
        {home.documents ? (
          <ul class="card flush rows">
            <li><a class="row" href="/documents"><span class="glyph"><Icon name="folder" /></span><div><p class="strong">{words.documents}</p><p class="small soft">{words.documentsText(home.documents)}</p></div><Icon name="right" /></a></li>
          </ul>
        ) : null}
      </section>
      {offered ? null : next}
    </>
  );
}

/** What is owed: a line, or what leads when nothing else does. */
function ToPay({ billing, leads }: { billing: MyBilling; leads: boolean }) {
  const { open, balance } = billing;
  const { tenant } = useSession();
  if (!open.length) return null;
  const late = open.some((one) => one.overdue) ? <Badge tone="bad">{payments.home.overdue}</Badge> : null;
  const lone = open.length === 1 ? open[0]! : null;
  const plan = lone ? planOf(lone, tenant.zone) : null;
  const first = !lone ? payments.home.text(open.length) : plan ? payments.planned(plan) : invoiceBadge(lone).word;
  const payable = open.reduce((sum, one) => sum + one.due.amount, 0) >= billing.least_by_card.amount && !tooMuch(open, billing.most_by_card);
  if (leads) {
    return (
      <div class="card lead stack g4">
        <div class="stack g2"><div class="sum"><h3>{payments.page.balance}</h3><b class="num">{money(balance.due)}</b></div><p class="small soft">{first}</p></div>
        <LinkButton look="primary" wide icon="card" href="/payments">{billing.can_pay && payable ? payments.page.pay(money(balance.due)) : lone ? payments.page.look : payments.page.lookAll}</LinkButton>
      </div>
    );
  }
  return (
    <ul class="card flush rows">
      <li><a class="row" href="/payments"><span class="glyph"><Icon name="card" /></span><div><p class="strong">{payments.home.title(money(balance.due))}</p><p class="small soft">{first}</p>{open.length > 1 ? late : null}</div><Icon name="right" /></a></li>
    </ul>
  );
}

function Lead({ home, intake, next }: { home: HomeView; intake: Intake | null; next: NonNullable<HomeView['next']> }) {
  const forms = (intake?.forms ?? []).filter((form) => form.status !== 'revoked');
  const done = forms.filter((form) => form.status !== 'to_do' && form.status !== 'started').length;
  const begun = done > 0 || forms.some((form) => form.status === 'started');
  const of = forms.length || home.forms_open;
  return (
    <div class="card lead stack g4">
      <div class="stack g2">
        <p class="small strong soft">{words.before}</p>
        <h3 class="lt">{begun ? words.finish : words.begin}</h3>
        <p class="small soft">{begun ? words.progress(done, of, home.forms_total_minutes) : words.start(of, home.forms_total_minutes)}</p>
      </div>
      {forms.length > 1 ? (
        <ol class="packet" aria-label={words.packet}>
          {forms.map((form) => {
            const state = form.status === 'to_do' ? 'open' : form.status === 'started' ? 'started' : 'done';
            return <li key={form.form_id} class={state === 'done' ? 'done' : state === 'started' ? 'half' : undefined}><span class="hidden">{form.title}: {words.state[state]}</span></li>;
          })}
        </ol>
      ) : null}
      <div class="stack g2">
        <p class="small">{next.title}</p>
        <LinkButton look="primary" wide href={`/forms/${next.intake_id}/${next.form_id}`}>{begun ? words.continue : words.startButton}</LinkButton>
      </div>
    </div>
  );
}
