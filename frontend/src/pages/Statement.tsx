/** A statement of a period, as a PDF. */
import { useState } from 'preact/hooks';
import { mine, StatementForm } from '../money/index.ts';
import { ClientShell } from '../shell/ClientShell.tsx';
import { payments } from '../strings/payments.ts';
import { Heading } from '../ui/index.ts';

const words = payments.statement;

export default function StatementPage() {
  const [today] = useState(() => new Date());
  return (
    <ClientShell>
      <div class="stack g5">
        <div class="stack g3">
          <ol class="crumbs"><li><a href="/payments">{payments.page.wayBack}</a></li><li aria-current="page">{words.title}</li></ol>
          <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>
        </div>
        <div class="card"><StatementForm printer={mine} today={today} primary /></div>
      </div>
    </ClientShell>
  );
}
