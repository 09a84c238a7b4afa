/** Inbox, Sent and Trash: the conversations, newest first, with a search, more on request, and news by themselves. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { asProblem, type Problem } from '../http.ts';
import { memory } from '../keep.ts';
import { useSession } from '../session.tsx';
import { messages as words } from '../strings/messages.ts';
import type { Folder, ThreadLine } from '../types.ts';
import { Avatar, Badge, Bones, Button, Empty, Icon, LoadFailed, ProblemNote, Segments, initials, lately, shortDay, useAct } from '../ui/index.ts';
import { mailOf } from './mailbox.ts';
import { useNews } from './news.ts';
import { partner, useMailZone } from './Thread.tsx';

const PAUSE = 250;
const FOLDERS: Folder[] = ['inbox', 'sent', 'trash'];

interface Listed { folder: Folder; items: ThreadLine[]; next: string | null }

/** Which folder was open last: kept for the way back from a conversation, in memory only. */
const opened = memory<Folder>('inbox');

function useFolder() {
  const { kind } = useSession();
  const mail = mailOf(kind);
  const { turn } = useNews();
  const [folder, setFolder] = useState<Folder>(opened.current);
  const [listed, setListed] = useState<Listed | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const asked = useRef(0);

  const load = async (wanted: Folder, background: boolean) => {
    const mine = ++asked.current;
    try {
      const page = await mail.list(wanted, null, background);
      if (mine !== asked.current) return;
      setListed((known) => {
        // What was loaded further down stays, below the newest page.
        const fresh = new Set(page.items.map(keyOf));
        const rest = known?.folder === wanted && known.items.length > page.items.length && page.next_cursor ? known.items.slice(page.items.length).filter((one) => !fresh.has(keyOf(one))) : [];
        return { folder: wanted, items: [...page.items, ...rest], next: rest.length ? known!.next : page.next_cursor };
      });
      setProblem(null);
    } catch (cause) {
      if (mine === asked.current) setProblem(asProblem(cause));
    }
  };
  const choose = (next: Folder) => {
    opened.current = next;
    setFolder(next);
    setListed(null);
    setProblem(null);
    void load(next, false);
  };
  const first = useRef(true);
  useEffect(() => {
    void load(folder, !first.current);
    first.current = false;
  }, [turn]);
  const more = useAct(async () => {
    if (!listed?.next) return;
    const page = await mail.list(folder, listed.next);
    setListed((known) => known && { ...known, items: [...known.items, ...page.items.filter((one) => !known.items.some((other) => keyOf(other) === keyOf(one)))], next: page.next_cursor });
  });
  return { mail, folder, choose, listed: listed?.folder === folder ? listed : null, problem, more, reload: () => load(folder, false) };
}

export function keyOf(one: ThreadLine): string {
  return `${one.thread_id}-${one.number}`;
}

/** What was searched: people by the server, subjects among the rows that are here. */
function useFinding(mail: ReturnType<typeof mailOf>, loaded: ThreadLine[]) {
  const [typed, setTyped] = useState('');
  const [found, setFound] = useState<{ term: string; items: ThreadLine[] } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const term = typed.trim();
  useEffect(() => {
    if (!term) {
      setFound(null);
      setProblem(null);
      return;
    }
    let late = false;
    const timer = setTimeout(() => {
      mail.find(term).then((page) => { if (!late) { setFound({ term, items: page.items }); setProblem(null); } }, (cause) => { if (!late) setProblem(asProblem(cause)); });
    }, PAUSE);
    return () => { late = true; clearTimeout(timer); };
  }, [term]);
  const people = found?.items ?? [];
  const ids = new Set(people.map((one) => one.thread_id));
  const low = term.toLocaleLowerCase();
  const subjects = term ? loaded.filter((one) => !ids.has(one.thread_id) && one.subject?.toLocaleLowerCase().includes(low)) : [];
  const items = [...people, ...subjects].sort((one, other) => other.at.localeCompare(one.at));
  return { typed, setTyped, term, settled: found?.term === term, items, problem };
}

interface Props {
  hrefOf: (one: ThreadLine) => string;
  /** The conversation that is open beside the list. */
  current?: string | null;
  empty?: ComponentChildren;
}

export function FolderList({ hrefOf, current, empty }: Props) {
  const box = useFolder();
  const finding = useFinding(box.mail, box.folder === 'inbox' ? box.listed?.items ?? [] : []);
  const field = useRef<HTMLInputElement>(null);
  const searching = box.folder === 'inbox' && finding.term !== '';
  const row = (one: ThreadLine) => <li key={keyOf(one)}><Row one={one} folder={box.folder} href={hrefOf(one)} current={current === one.thread_id} /></li>;
  return (
    <div class="stack g4">
      <Segments legend={words.folders.legend} name="folder" value={box.folder} options={FOLDERS.map((value) => ({ value, label: words.folders[value] }))} onChange={box.choose} />
      {box.folder === 'inbox' && (
        <div class="stack g1">
          <div class="affix pre" role="search">
            <Icon name="search" />
            <input ref={field} class="input" type="search" aria-label={words.search} placeholder={words.placeholder} autocomplete="off" spellcheck={false} maxLength={100} value={finding.typed} aria-describedby={finding.term ? 'find-help' : undefined} onInput={(event) => finding.setTyped(event.currentTarget.value)} />
            {finding.typed && <button class="btn quiet mini" type="button" onClick={() => { finding.setTyped(''); field.current?.focus(); }}>{words.clear}<span class="hidden">{words.clearOf}</span></button>}
          </div>
          {finding.term && <p class="tiny soft" id="find-help">{words.searchHelp}</p>}
        </div>
      )}
      {box.folder === 'trash' && <p class="small soft">{words.trashHelp}</p>}
      {searching ? (
        <>
          <p class="small soft num" role="status">{finding.settled ? words.found(finding.items.length, finding.term) : ''}</p>
          <ProblemNote problem={finding.problem} />
          {finding.items.length ? <ul class="card flush rows">{finding.items.map(row)}</ul>
            : finding.settled ? <section class="card flush"><Empty icon="search" title={words.noMatch(finding.term)} action={<Button onClick={() => finding.setTyped('')}>{words.showAll}</Button>}>{words.noMatchText}</Empty></section> : null}
        </>
      ) : <Rows box={box} row={row} empty={empty} />}
    </div>
  );
}

function Rows({ box, row, empty }: { box: ReturnType<typeof useFolder>; row: (one: ThreadLine) => ComponentChildren; empty?: ComponentChildren }) {
  const { listed, problem, folder } = box;
  if (!listed) return problem ? (problem.status === 401 ? null : <LoadFailed problem={problem} onRetry={() => void box.reload()} within />) : <Bones rows={4} />;
  const [title, text] = words.empty[folder];
  return (
    <>
      <ProblemNote problem={problem} onRetry={() => void box.reload()} />
      {listed.items.length ? <ul class="card flush rows" aria-label={words.folders[folder]}>{listed.items.map(row)}</ul>
        : <section class="card flush"><Empty icon={folder === 'trash' ? 'bin' : 'message'} title={title} action={folder === 'inbox' ? empty : undefined}>{text}</Empty></section>}
      {listed.next && <p class="centered"><Button busy={box.more.busy} onClick={() => void box.more.run()}>{words.more}</Button></p>}
      <ProblemNote problem={box.more.problem} />
    </>
  );
}

function Row({ one, folder, href, current }: { one: ThreadLine; folder: Folder; href: string; current: boolean }) {
  const zone = useMailZone();
  const who = partner(one);
  const fresh = one.unread > 0 && folder !== 'sent' && !current; // what is open is being read
  return (
    <a class={fresh ? 'row mailrow fresh' : 'row mailrow'} href={href} aria-current={current ? 'true' : undefined}>
      <Avatar letters={initials(who.split(/[,;]/u)[0]!)} />
      <div class="stack g1">
        <p class="mailhead"><span class={fresh ? 'strong' : undefined}>{folder === 'sent' ? words.to(who) : who}</span><span class="tiny soft num">{lately(one.at, zone)}</span></p>
        <p class={fresh ? 'small strong' : 'small soft'}>{one.subject}</p>
        {(fresh || one.count > 1 || one.trash_until || one.topic !== 'direct') && (
          <p class="badges">
            {fresh && <Badge tone="info">{words.fresh(one.unread)}</Badge>}
            {one.topic !== 'direct' && <Badge>{words.topics[one.topic]}</Badge>}
            {one.count > 1 && folder !== 'sent' && <span class="tiny soft">{words.messageCount(one.count)}</span>}
            {one.trash_until && <span class="tiny soft">{words.until(shortDay(one.trash_until, zone))}</span>}
          </p>
        )}
      </div>
    </a>
  );
}
