/** The first-run checklist of a new organization, on the administrator's Today. */
import { api, call } from '../http.ts';
import { organization } from '../strings/organization.ts';
import { Button, Icon, Note, useAct, useLoad } from '../ui/index.ts';
import { Failed } from './parts.tsx';

const words = organization.steps;
const WHERE: Record<string, string> = {
  profile: '/staff/organization/profile', brand: '/staff/organization/profile', staff: '/staff/organization/staff/invite', client: '/staff/clients',
  forms: '/staff/organization/client-portal/intake-forms', invitation: '/staff/clients', signed: '/staff/clients',
};

export function FirstSteps() {
  const steps = useLoad(() => call(api.GET('/practice/first-steps')), []);
  const note = useAct(async (step: 'forms' | 'dismissed') => {
    steps.put(await call(api.POST('/practice/first-steps', { body: { step } })));
  });
  const data = steps.data;
  if (!data || (data.dismissed && !note.problem)) return data?.dismissed && note.busy ? <Note tone="good" live>{words.hidden}</Note> : null;
  const done = data.steps.filter((one) => one.done).length;
  if (done === data.steps.length) return null;
  const next = data.steps.find((one) => !one.done)?.step;
  return (
    <section class="card flush" aria-labelledby="steps">
      <div class="cardhead">
        <div class="stack g1"><h2 id="steps">{words.title}</h2><p class="small soft">{words.lead(done, data.steps.length)}</p></div>
        <Button look="quiet" mini busy={note.busy} onClick={() => void note.run('dismissed')}>{words.hide}</Button>
      </div>
      <Failed problem={note.problem} />
      <ol class="rows">
        {data.steps.map((one, index) => (
          <li key={one.step}>
            <a class="row" href={WHERE[one.step]} onClick={() => { if (one.step === 'forms' && !one.done) void note.run('forms'); }}>
              <div class="line">
                <span class={one.done ? 'glyph good' : 'glyph num'} aria-hidden="true">{one.done ? <Icon name="check" /> : index + 1}</span>
                <div class="stack g1">
                  <p class={one.step === next ? 'strong' : ''}>{words.names[one.step]}{one.done && <span class="hidden">: {words.done}</span>}</p>
                  <p class="small soft">{words.text[one.step]}</p>
                </div>
              </div>
              {one.done ? <span class="small soft" aria-hidden="true">{words.done}</span> : <Icon name="right" />}
            </a>
          </li>
        ))}
      </ol>
    </section>
  );
}
