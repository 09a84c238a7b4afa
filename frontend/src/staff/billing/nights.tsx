/** The nightly comparisons of the ledger with Stripe's books. */
import { api, call } from '../../http.ts';
import { billing } from '../../strings/billing.ts';
import { Badge, Button, dateWords, Empty, money, useAct, useLoad } from '../../ui/index.ts';
import { Failed, Ready, RowBones } from '../parts.tsx';

const words = billing.nights;
const ask = (cursor?: string) => call(api.GET('/practice/reconciliations', { params: { query: cursor ? { cursor } : {} } }));

export function NightsTab() {
  const loaded = useLoad(() => ask(), []);
  const more = useAct((cursor: string) => loaded.refresh(async () => {
    const known = loaded.data!;
    const page = await ask(cursor);
    return { items: [...known.items, ...page.items], next_cursor: page.next_cursor };
  }));
  return (
    <Ready of={loaded} bones={<RowBones />} heading={false}>
      {(page) => (
        <>
          <p class="soft">{words.lead}</p>
          <section class="card flush" aria-label={billing.practice.tabs.nights}>
            {page.items.length ? (
              <table class="fold">
                <thead><tr><th scope="col">{words.day}</th><th scope="col" class="end">{words.ledger}</th><th scope="col" class="end">{words.stripe}</th><th scope="col" class="end">{words.difference}</th><th scope="col" class="end">{words.objects}</th><th scope="col" class="end">{words.repaired}</th><th scope="col">{words.unmatched}</th></tr></thead>
                <tbody>
                  {page.items.map((one) => {
                    const agrees = one.difference.amount === 0 && one.unmatched.length === 0;
                    return (
                      <tr key={one.day}>
                        <td class="strong num">{dateWords(one.day, { month: 'short', day: 'numeric', year: 'numeric' })}</td>
                        <td data-label={words.ledger} class="end num">{money(one.ledger)}</td>
                        <td data-label={words.stripe} class="end num">{money(one.stripe)}</td>
                        <td data-label={words.difference} class="end"><div><span class="num">{money(one.difference)}</span> <Badge tone={agrees ? 'good' : 'bad'}>{agrees ? words.agrees : words.differs}</Badge></div></td>
                        <td data-label={words.objects} class="end num">{one.objects}</td>
                        <td data-label={words.repaired} class="end num">{one.repaired}</td>
                        <td data-label={words.unmatched}><span class="mono tiny">{one.unmatched.length ? one.unmatched.join(', ') : '–'}</span></td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            ) : <Empty icon="check" title={words.empty}>{words.emptyText}</Empty>}
          </section>
          {page.next_cursor ? <div><Button busy={more.busy} onClick={() => void more.run(page.next_cursor!)}>{billing.more}</Button></div> : null}
          <Failed problem={more.problem} />
        </>
      )}
    </Ready>
  );
}
