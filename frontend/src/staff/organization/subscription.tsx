/** Subscription: the plan, what it includes, and whether the person reading has a seat. */
import { useSession } from '../../session.tsx';
import { Badge, Icon, Note } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { FeatureName, Settings } from '../../types.ts';

const words = staff.subscription;
/** What each plan includes (DOMAIN.md 2.1); whether this organization has it is `in_plan` of the settings. */
const PLANS: [FeatureName, boolean, boolean][] = [
  ['invitations', true, true], ['intake_forms', true, true], ['payments', true, true], ['messaging', false, true], ['self_scheduling', false, true],
];

export function SubscriptionTab({ settings }: { settings: Settings }) {
  const { seat } = useSession();
  const plan = staff.plans[settings.plan] ?? settings.plan;
  const needed = settings.features.some((one) => (one.feature === 'messaging' || one.feature === 'self_scheduling') && one.in_plan);
  return (
    <div class="beside">
      <section class="card flush" aria-labelledby="plan">
        <div class="cardhead">
          <div class="stack g1"><h2 id="plan">{staff.organization.plan(plan)}</h2><p class="small soft">{words.text[settings.plan] ?? ''}</p></div>
          <Badge tone="good">{words.current}</Badge>
        </div>
        <table>
          <caption class="hidden">{words.includes}</caption>
          <thead><tr><th scope="col">{words.feature}</th><th scope="col">{words.basic}</th><th scope="col">{words.plus}</th></tr></thead>
          <tbody>
            {PLANS.map(([feature, basic, plus]) => (
              <tr key={feature}>
                <th scope="row" class="rowhead">{staff.settings.feature[feature]?.name}</th>
                <td><Included on={basic} /></td><td><Included on={plus} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <aside class="stack g4">
        <section class="card stack g3" aria-labelledby="seat">
          <h2 id="seat">{words.mine}</h2>
          {!needed ? <p class="small soft">{words.notNeeded}</p> : (
            <Note tone={seat ? 'good' : 'plain'}><strong>{seat ? words.have : words.haveNot}</strong><br />{seat ? words.haveText : words.haveNotText}</Note>
          )}
        </section>
        <section class="card stack g3" aria-labelledby="seats"><h2 id="seats">{words.seats}</h2><p class="small soft">{words.seatsText}</p></section>
      </aside>
    </div>
  );
}

function Included({ on }: { on: boolean }) {
  return <span class={on ? 'included' : 'included not'}><Icon name={on ? 'check' : 'cross'} /><span>{on ? words.yes : words.no}</span></span>;
}
