/** After the last signature of a packet: what happens next, and the copies as they are sealed. */
import { useRoute } from 'preact-iso';
import { CrisisHelp, helped } from '../forms/Crisis.tsx';
import { useSession } from '../session.tsx';
import { TaskShell } from '../shell/TaskShell.tsx';
import { client } from '../strings/client.ts';
import type { Intake } from '../types.ts';
import { Await, Badge, Heading, Icon, LinkButton, shortDay, useEvery, useLoad, WithPhone } from '../ui/index.ts';
import { allIntakes } from './Forms.tsx';

const words = client.done;

export default function Done() {
  const { params } = useRoute() as { params: Record<string, string> };
  const session = useSession();
  const loaded = useLoad(() => allIntakes(), [params.intake_id]);
  const intake = loaded.data?.find((one) => one.intake_id === params.intake_id) ?? null;
  const sealing = intake?.forms.some((form) => form.status === 'signed') ?? false;
  useEvery(3000, sealing, () => loaded.refresh(() => allIntakes(true)));
  return (
    <TaskShell foot={<div class="cluster"><LinkButton href="/documents">{words.documents}</LinkButton><LinkButton look="primary" href="/home">{words.home}</LinkButton></div>}>
      <div class="stack g6">
        <div class="stack g4">
          <span class="glyph big"><Icon name="check" /></span>
          <div class="stack g2"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>
        </div>
        <ol class="steps stack g4">
          <li><p>{words.told}</p></li>
          <li><p role="status">{sealing || !intake ? words.sealing : words.sealed}</p></li>
          <li><p><WithPhone text={words.question(session.tenant.phone)} phone={session.tenant.phone} /></p></li>
        </ol>
        {helped.has(params.intake_id ?? '') ? <CrisisHelp tenant={session.tenant} id="done" watched /> : null}
        <Await within of={loaded}>{() => (intake ? <Copies intake={intake} /> : <></>)}</Await>
      </div>
    </TaskShell>
  );
}

function Copies({ intake }: { intake: Intake }) {
  return (
    <section class="stack g3" aria-labelledby="yours">
      <h2 id="yours">{words.yours}</h2>
      <ul class="card flush rows">
        {intake.forms.map((form) => (
          <li key={form.form_id}>
            <div class="row">
              <span class="glyph"><Icon name="form" /></span>
              <div class="stack g1">
                <p class="strong">{form.title}</p>
                <p class="small soft">{form.signed_at ? client.forms.signedOn(shortDay(form.signed_at)) : ''}</p>
                <p>{form.status === 'sealed' ? <Badge tone="good">{client.documents.ready}</Badge> : <Badge tone="info" hollow>{client.documents.sealing}</Badge>}</p>
              </div>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
