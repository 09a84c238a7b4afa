/** Crisis help: at once, below the answer, in the size of a question. Never a dialog, never in the way. */
import { client } from '../strings/client.ts';
import type { Tenant } from '../types.ts';
import { Icon } from '../ui/index.ts';

/** Packets in which help was shown and signed, for the page that follows. In memory only: nothing about an answer is kept on the device. */
export const helped = new Set<string>();

/** `brief` is for a second worrying answer on the same page: the numbers again, without repeating the words. */
export function CrisisHelp({ tenant, id, brief, watched }: { tenant: Tenant; id: string; brief?: boolean; watched?: boolean }) {
  const { text, numbers } = tenant.crisis;
  return (
    <section class="crisis stack g4" aria-labelledby={`crisis-${id}`}>
      <div class="stack g2">
        <h2 id={`crisis-${id}`}>{brief ? client.crisis.againTitle : client.crisis.title}</h2>
        <p class="small">{brief ? client.crisis.again : text || client.crisis.text}</p>
      </div>
      <div class="stack g2">
        {numbers.map((number) => (
          <a key={number.href} class="btn wide" href={number.href}><Icon name={number.href.startsWith('sms') ? 'message' : 'phone'} />{number.label}</a>
        ))}
      </div>
      {brief || watched ? null : <p class="tiny soft">{client.crisis.unwatched}</p>}
    </section>
  );
}
