/** A form as clients will see it, to read through: nothing can be answered and nothing is saved. */
import { client } from '../strings/client.ts';
import type { Field, FormDefinition } from '../types.ts';
import { Icon } from '../ui/index.ts';
import { Blocks } from './Blocks.tsx';
import { FormField } from './fields/fields.tsx';

const nothing = (): void => {};

/** `conditional` says that a question or section is shown only sometimes. */
export function FormPreview({ definition, conditional }: { definition: FormDefinition; conditional?: string }) {
  return (
    <div class="stack g6">
      {definition.intro?.length ? <div class="card stack g3"><Blocks blocks={definition.intro} level={2} /></div> : null}
      {definition.sections.map((section, index) => (
        <section class="card stack g5" key={section.id} aria-labelledby={`p-${section.id}`}>
          <div class="stack g1">
            <p class="tiny soft num">{client.fill.sectionLabel(index + 1, definition.sections.length)}</p>
            <h2 id={`p-${section.id}`}>{section.title}</h2>
            {section.why ? <p class="small soft">{section.why}</p> : null}
            {section.when && conditional ? <p class="tiny soft line"><Icon name="info" /><span>{conditional}</span></p> : null}
          </div>
          {section.fields.map((field) => <Question key={field.id} field={field} conditional={conditional} />)}
        </section>
      ))}
    </div>
  );
}

function Question({ field, conditional }: { field: Field; conditional?: string }) {
  return (
    <div class="stack g2">
      {field.when && conditional ? <p class="tiny soft line"><Icon name="info" /><span>{conditional}</span></p> : null}
      <fieldset disabled class="asis"><FormField field={field} value={null} error={null} onChange={nothing} onLeave={nothing} /></fieldset>
    </div>
  );
}
