/** A conversation for paper: the practice's name and sign, who and when, every message in order; or the same as a PDF. */
import { useEffect, useRef } from 'preact/hooks';
import { Problem } from '../http.ts';
import { useSession } from '../session.tsx';
import { Mark } from '../shell/Mark.tsx';
import { messages as strings } from '../strings/messages.ts';
import type { Message, PrintedThread } from '../types.ts';
import { Button, Facts, Heading, ProblemNote, dayAndTime, fetchLink, fileSize, useAct } from '../ui/index.ts';
import type { Talk } from './mailbox.ts';

const words = strings.print;
const LOOKS = 45;

/** Every page of it. */
export async function fetchPrinted(talk: Talk): Promise<PrintedThread> {
  const first = await talk.printed();
  const messages: Message[] = [...first.messages];
  for (let cursor = first.next_cursor; cursor;) {
    const page = await talk.printed(cursor);
    messages.push(...page.messages);
    cursor = page.next_cursor;
  }
  return { ...first, messages, next_cursor: null };
}

/** Asks for the PDF, waits until it is made, and hands it over. */
function usePdf(talk: Talk) {
  const alive = useRef(true);
  useEffect(() => () => void (alive.current = false), []);
  return useAct(async () => {
    let pdf = await talk.pdf();
    for (let look = 0; pdf.status === 'making' && look < LOOKS && alive.current; look += 1) {
      await new Promise((done) => setTimeout(done, look < 5 ? 700 : 2000));
      pdf = await talk.pdfState(pdf.print_id);
    }
    if (!alive.current) return;
    if (pdf.status !== 'ready') throw new Problem({ status: 500, code: 'pdf', title: pdf.status === 'failed' ? words.failed : words.slow });
    fetchLink((await talk.pdfLink(pdf.print_id)).url);
  });
}

export function PrintedConversation({ found, talk }: { found: PrintedThread; talk: Talk }) {
  const { tenant } = useSession();
  const pdf = usePdf(talk);
  const practice = found.with_names.join('; ') || strings.topics[found.topic] || strings.practice;
  return (
    <article class="stack g5 printed">
      <div class="cluster g2 noprint">
        <Button look="primary" icon="print" onClick={() => window.print()}>{words.go}</Button>
        <Button icon="download" busy={pdf.busy} busyLabel={words.making} onClick={() => void pdf.run()}>{words.pdf}</Button>
      </div>
      <ProblemNote problem={pdf.problem} />
      <div class="brand"><Mark logo={tenant.logo} /><span class="brandname">{found.organization}</span></div>
      <Heading title={words.title}>{found.subject}</Heading>
      <Facts rows={[
        [words.by, words.and(practice, found.client_name)],
        [words.count, String(found.messages.length)],
        [words.printed, dayAndTime(found.printed_at, found.zone)],
      ]} />
      <ol class="printlist">
        {found.messages.map((one) => (
          <li key={one.number}>
            <p><span class="strong">{one.sender}</span> <span class="small soft num">{dayAndTime(one.sent_at, found.zone)}</span></p>
            {one.body ? <p class="said">{one.body}</p> : null}
            {one.attachments.length ? <p class="small soft">{words.files}: {one.attachments.map((each) => `${each.name} (${fileSize(each.size)})`).join(', ')}</p> : null}
          </li>
        ))}
      </ol>
      <p class="tiny soft">{words.confidential}</p>
    </article>
  );
}
