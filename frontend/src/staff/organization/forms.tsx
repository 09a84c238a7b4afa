/** Intake Forms: the forms that can be sent, and what must happen before they are. */
import { Badge, Empty, LinkButton, Note } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { PracticeForm } from '../../types.ts';

const words = staff.forms;

export function FormsTab({ forms }: { forms: PracticeForm[] }) {
  return (
    <div class="stack g4">
      <Note tone="warn"><strong>{words.review}.</strong> {words.reviewText}</Note>
      <section class="card flush" aria-labelledby="if">
        <div class="cardhead"><div class="stack g1"><h2 id="if">{words.title}</h2><p class="small soft">{words.intro}</p></div></div>
        {forms.length === 0 ? <Empty icon="form" title={words.emptyTitle}>{words.emptyText}</Empty> : (
          <table class="fold">
            <thead>
              <tr>
                <th scope="col">{words.columns.form}</th><th scope="col">{words.columns.version}</th><th scope="col">{words.columns.parts}</th>
                <th scope="col">{words.columns.time}</th><th scope="col">{words.columns.status}</th><th><span class="hidden">{words.preview}</span></th>
              </tr>
            </thead>
            <tbody>
              {forms.map((form) => (
                <tr key={form.form_id}>
                  <td>
                    <a class="strong" href={`/staff/forms/${form.form_id}`}>{form.title}</a><br />
                    <span class="tiny soft">{form.standard ? words.standardReview : form.review_note}</span>
                  </td>
                  <td class="num" data-label={words.columns.version}>{form.version}</td>
                  <td class="num" data-label={words.columns.parts}>{form.sections}</td>
                  <td class="num" data-label={words.columns.time}>{words.minutes(form.minutes)}</td>
                  <td data-label={words.columns.status}>{form.status === 'active' ? <Badge tone="good">{words.active}</Badge> : <Badge>{words.archived}</Badge>}</td>
                  <td class="end acts"><LinkButton mini icon="eye" href={`/staff/forms/${form.form_id}`}>{words.preview}<span class="hidden">{words.previewOf(form.title)}</span></LinkButton></td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
    </div>
  );
}
