/** The rule for reminders: on or off, when the first, how often, how many. */
import { Switch } from '../../ui/index.ts';
import { forms as strings } from '../../strings/forms.ts';
import type { Settings } from '../../types.ts';
import { Failed } from '../parts.tsx';
import { useSaving } from './saving.ts';

const words = strings.reminders;
type Rule = Settings['reminders'];
type Count = Exclude<keyof Rule, 'on'>;

export function RemindersCard({ first, locked }: { first: Settings; locked: boolean }) {
  const saving = useSaving(first);
  const rule = saving.settings.reminders;
  const pick = (name: Count, label: string, options: number[], shown: (n: number) => string) => (
    <div class="field">
      <label for={`remind-${name}`}>{label}</label>
      <select id={`remind-${name}`} value={String(rule[name])} disabled={locked} onChange={(event) => void saving.save(name, { reminders: { [name]: Number(event.currentTarget.value) } })}>
        {[...new Set([...options, rule[name]])].sort((a, b) => a - b).map((n) => <option key={n} value={String(n)}>{shown(n)}</option>)}
      </select>
    </div>
  );
  const failed = saving.mark?.state === 'failed' ? saving.mark.problem : null;
  return (
    <section class="card stack g4" aria-labelledby="rem">
      <div class="split"><h2 id="rem">{words.title}</h2><span class="saved" role="status">{saving.mark?.state === 'saved' ? words.saved : ''}</span></div>
      <p class="small soft" id="rem-what">{words.text}</p>
      <div class="split">
        <label class="strong" for="remind-on">{words.on}</label>
        <Switch id="remind-on" on={rule.on} disabled={locked} describedBy="rem-what" onChange={(on) => void saving.save('on', { reminders: { on } })} />
      </div>
      {rule.on && (
        <div class="grid tight">
          {pick('first_days', words.first, [1, 2, 3, 5, 7, 14], words.days)}
          {pick('every_days', words.every, [1, 2, 3, 7, 14], words.days)}
          {pick('at_most', words.most, [1, 2, 3, 5, 10], words.times)}
        </div>
      )}
      {locked && <p class="tiny soft">{words.locked}</p>}
      <Failed problem={failed} />
    </section>
  );
}
