/** Anyone with a signed PDF can check here that it is what was sealed. No sign-in. */
import { useRef, useState } from 'preact/hooks';
import { asProblem, verifyFile } from '../http.ts';
import { recall } from '../keep.ts';
import { useSessionState } from '../session.tsx';
import { SkipLink } from '../shell/shells.tsx';
import { client } from '../strings/client.ts';
import { shared } from '../strings/shared.ts';
import type { Verification } from '../types.ts';
import { Button, dayAndTime, Facts, fileSize, groups, Heading, Icon, Note, ProblemNote, useAct, useBodyClass } from '../ui/index.ts';

const words = client.verify;
const LIMIT = 4_400_000; // what the API takes

interface Checked { name: string; size: number; result: Verification }

export default function Verify() {
  const state = useSessionState();
  const [checked, setChecked] = useState<Checked | null>(null);
  const [over, setOver] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  useBodyClass('task');
  const act = useAct(async (file: File) => {
    setRefused(null);
    setChecked(null);
    if (file.size > LIMIT) {
      setRefused(words.tooBig);
      return;
    }
    try {
      setChecked({ name: file.name, size: file.size, result: await verifyFile(file) });
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.status === 413) setRefused(words.tooBig);
      else if (problem.status === 415 || problem.status === 422 || problem.status === 400) setRefused(words.notPdf);
      else throw problem;
    }
  });
  const take = (files: FileList | null | undefined) => {
    const file = files?.[0];
    if (file) void act.run(file);
    if (input.current) input.current.value = '';
  };
  const slug = recall<string>('slug');
  const home = state.status === 'ready' ? '/' : slug ? `/${slug}` : '/';
  return (
    <>
      <SkipLink />
      <header class="bar"><a class="brand" href={home}><span class="mark"><Icon name="sprout" /></span><span>{shared.product}</span></a></header>
      <main id="main" tabIndex={-1}>
        <div class="stack g6">
          <div class="stack g2"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>
          <div
            class={over ? 'drop over' : 'drop'}
            onDragOver={(event) => { event.preventDefault(); setOver(true); }}
            onDragLeave={() => setOver(false)}
            onDrop={(event) => { event.preventDefault(); setOver(false); take(event.dataTransfer?.files); }}
          >
            <span class="glyph"><Icon name={act.busy ? 'clock' : 'upload'} /></span>
            <p class="strong dropwords">{words.drop}</p>
            <input ref={input} class="hidden" id="file" type="file" accept="application/pdf,.pdf" tabIndex={-1} aria-hidden="true" onChange={(event) => take(event.currentTarget.files)} />
            <Button look={checked ? 'plain' : 'primary'} busy={act.busy} busyLabel={words.checking} onClick={() => input.current?.click()}>{checked ? words.another : words.choose}</Button>
            <p class="tiny soft">{words.private}</p>
          </div>
          <div role="status" class="stack g4">
            {refused ? <Note tone="bad">{refused}</Note> : null}
            {checked ? <Result checked={checked} /> : null}
          </div>
          <ProblemNote problem={act.problem} />
          <details><summary>{words.how}</summary><div class="stack g2 small soft below">{words.howText.map((line) => <p key={line}>{line}</p>)}</div></details>
        </div>
      </main>
    </>
  );
}

function Result({ checked }: { checked: Checked }) {
  const { result } = checked;
  const [tone, title, text] = said(result);
  const rows: [string, preact.ComponentChildren][] = [[words.file, `${checked.name} (${fileSize(checked.size)})`]];
  if (result.intact && result.sealed_at) rows.push([words.sealedAt, dayAndTime(result.sealed_at)]);
  return (
    <section class="card stack g4" aria-labelledby="result">
      <Note tone={tone} icon={tone === 'good' ? 'shield' : 'alert'}><h2 id="result">{title}</h2><p>{text}</p></Note>
      <Facts rows={rows} />
      <div class="stack g1"><p class="small soft">{words.code}</p><p class="code">{groups(result.sha256)}</p><p class="tiny soft">{words.codeHelp}</p></div>
    </section>
  );
}

function said(result: Verification): ['good' | 'bad' | 'warn', string, string] {
  if (result.intact && result.sealed_by_us) return ['good', words.intactTitle, result.sealed_at ? words.intact(dayAndTime(result.sealed_at)) : ''];
  switch (result.reason) {
    case 'not_sealed': return ['warn', words.notSealedTitle, words.notSealed];
    case 'unknown_seal': return ['warn', words.unknownTitle, words.unknown];
    case 'not_a_pdf': return ['bad', words.notAPdfTitle, words.notAPdf];
    default: return ['bad', words.changedTitle, words.changed];
  }
}
