/** A signed form as a page to read: the accessible copy of the same record that the PDF holds. */
import { client } from '../strings/client.ts';
import type { Block, DocumentRecord, RecordItem, Strokes } from '../types.ts';
import { Badge, dayAndTime, Facts } from '../ui/index.ts';
import { Blocks, Grid } from './Blocks.tsx';
import { pathOf } from './strokes.ts';

const words = client.documents;

/** `flags` marks worrying answers with a word (for staff); clients see their answers as they gave them. */
export function RecordView({ record, flags }: { record: DocumentRecord; flags?: string }) {
  return (
    <div class="stack g6 record">
      {record.sections.map((section) => (
        <section key={section.section_id} id={`s-${section.section_id}`} class="stack g4" aria-labelledby={`h-${section.section_id}`}>
          <h2 id={`h-${section.section_id}`}>{section.title}</h2>
          {section.skipped ? <p class="soft">{words.inPerson}</p> : <Items items={section.items} flags={flags} />}
        </section>
      ))}
      {record.signatures.length ? (
        <section class="stack g4" aria-labelledby="h-signature">
          <h2 id="h-signature">{words.signature}</h2>
          {record.signatures.map((signature, index) => (
            <div class="stack g3" key={index}>
              {signature.method === 'drawn' && signature.strokes
                ? <Drawn strokes={signature.strokes} label={words.drawnBy(signature.printed_name)} />
                : <div class="pad typed readonly"><span class="typedname"><span class="hidden">{words.typed}: </span>{signature.name}</span></div>}
              <Facts rows={[
                [words.printed, signature.printed_name],
                [words.as, client.sign.relationships[signature.relationship as 'self'] ?? signature.relationship],
                [words.signedAt, dayAndTime(signature.signed_at, signature.time_zone)],
              ]} />
            </div>
          ))}
        </section>
      ) : null}
    </div>
  );
}

function Items({ items, flags }: { items: RecordItem[]; flags?: string }) {
  return (
    <div class="stack g4">
      {items.map((item) => {
        if (item.kind === 'info') return <div class="stack g3 soft" key={item.field_id}>{item.label ? <h3>{item.label}</h3> : null}<Blocks blocks={blocksOf(item.value)} level={3} /></div>;
        if (item.kind === 'table') {
          const rows = (item.value ?? []) as string[][];
          return <div class="stack g2" key={item.field_id} id={`a-${item.field_id}`}><p class="small strong">{item.label}</p>{rows.length ? <Grid columns={item.columns ?? []} rows={rows} /> : <p class="faint">{words.noAnswer}</p>}</div>;
        }
        return (
          <div class="said-item" key={item.field_id} id={`a-${item.field_id}`}>
            <p class="small strong">{item.label} {flags && item.worrying ? <Badge tone="bad">{flags}</Badge> : null}</p>
            <Value value={item.value} />
          </div>
        );
      })}
    </div>
  );
}

function blocksOf(value: unknown): Block[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? (value as Block[]) : [value as Block];
}

function Value({ value }: { value: RecordItem['value'] }) {
  if (value === null || value === '' || (Array.isArray(value) && !value.length)) return <p class="faint">{words.noAnswer}</p>;
  if (Array.isArray(value)) return <ul class="bullets">{value.map((one, index) => <li key={index}>{String(one)}</li>)}</ul>;
  return <p class="said">{value}</p>;
}

function Drawn({ strokes, label }: { strokes: Strokes; label: string }) {
  return <div class="pad readonly"><svg viewBox="0 0 1000 300" role="img" aria-label={label} preserveAspectRatio="xMidYMid meet"><path class="ink" d={pathOf(strokes)} /></svg></div>;
}

