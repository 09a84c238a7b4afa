/** The messages of a conversation: days, bubbles, files, and what was read. */
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { useSession } from '../session.tsx';
import { messages as strings } from '../strings/messages.ts';
import type { Conversation, Message, MessageFile } from '../types.ts';
import { Button, Icon, ProblemNote, dayKey, deviceZone, fetchLink, fileSize, longDay, time, useAct, useToast, weekday } from '../ui/index.ts';
import type { Open } from './conversation.ts';
import type { Talk } from './mailbox.ts';

const words = strings.thread;

/** Clients read times by their own clock, staff by the organization's. */
export function useMailZone(): string {
  const { kind, tenant } = useSession();
  return kind === 'client' ? deviceZone() : tenant.zone;
}

/** "Today", "Yesterday", "Friday, November 20", "November 20, 2025". */
export function dayWords(instant: string, zone: string, now: Date = new Date()): string {
  const day = dayKey(instant, zone);
  if (day === dayKey(now, zone)) return words.today;
  if (day === dayKey(new Date(now.getTime() - 86_400_000), zone)) return words.yesterday;
  return day.slice(0, 4) === dayKey(now, zone).slice(0, 4) ? weekday(instant, zone) : longDay(instant, zone);
}

/** Whom a conversation is with, for the one who reads it. */
export function partner(thread: Conversation['thread']): string {
  if (thread.client_name !== undefined) return thread.client_name;
  return thread.with_names.join('; ') || strings.topics[thread.topic] || strings.practice;
}

/** The first name to put into "Write to …". */
export function shortPartner(thread: Conversation['thread']): string {
  if (thread.topic !== 'direct' && thread.client_name === undefined) return strings.topics[thread.topic]!;
  return partner(thread).split(/[ ,;]/u)[0]!;
}

export function MessageList({ items, file, live }: { items: Message[]; file: (attachment_id: string) => Promise<{ url: string }>; live?: boolean }) {
  const zone = useMailZone();
  return (
    <ol class="thread" aria-label={words.label} aria-live={live ? 'off' : undefined}>
      {items.map((one, index) => {
        const before = items[index - 1];
        const fresh = !before || dayKey(before.sent_at, zone) !== dayKey(one.sent_at, zone);
        return [
          fresh && <li key={`day-${one.number}`} class="when tiny faint">{dayWords(one.sent_at, zone)}</li>,
          <Bubble key={one.number} one={one} zone={zone} file={file} />,
        ];
      })}
    </ol>
  );
}

function Bubble({ one, zone, file }: { one: Message; zone: string; file: (attachment_id: string) => Promise<{ url: string }> }) {
  const state = one.read === null ? '' : one.read ? words.read : words.sent;
  return (
    <li class={one.mine ? 'mine' : undefined}>
      <div class="bubble">
        {one.body ? <p class="said">{one.body}</p> : null}
        {one.attachments.map((each) => <FileButton key={each.attachment_id} one={each} file={file} />)}
      </div>
      <p class="tiny faint">{words.meta(one.mine ? words.you : one.sender, time(one.sent_at, zone), state)}</p>
    </li>
  );
}

function FileButton({ one, file }: { one: MessageFile; file: (attachment_id: string) => Promise<{ url: string }> }) {
  const act = useAct(async () => fetchLink((await file(one.attachment_id)).url, one.name));
  return (
    <>
      <button type="button" class="file" aria-disabled={act.busy ? 'true' : undefined} onClick={() => void act.run()}>
        {act.busy ? <span class="spin" aria-hidden="true" /> : <Icon name="form" />}
        <span><span class="hidden">{words.download} </span><bdi class="filename">{one.name}</bdi><br /><span class="tiny soft">{words.file(one.file_type, fileSize(one.size))}</span></span>
      </button>
      {act.problem && <p class="error tiny" role="alert">{words.fileFailed} {act.problem.title}</p>}
    </>
  );
}

/** All of it, with a way to what was before; stays at the newest when something comes. */
export function Messages({ open, talk }: { open: Open; talk: Talk }) {
  const items = open.data!.messages;
  const end = useRef<HTMLDivElement>(null);
  const first = useRef(true);
  const last = items.at(-1)?.number ?? 0;
  const mine = items.at(-1)?.mine ?? false;
  useLayoutEffect(() => {
    const near = document.documentElement.scrollHeight - window.scrollY - window.innerHeight < 480;
    if (first.current || near || mine) end.current?.scrollIntoView({ block: 'end' });
    first.current = false;
  }, [last]);
  return (
    <>
      {open.data!.next_cursor && <p class="centered"><Button mini busy={open.older.busy} onClick={() => void open.older.run()}>{words.older}</Button></p>}
      <ProblemNote problem={open.older.problem} onRetry={() => void open.older.run()} />
      <MessageList items={items} file={talk.file} />
      <p class="hidden" role="status">{open.arrived ? words.arrived(open.arrived.sender) : ''}</p>
      <div ref={end} class="threadend" />
    </>
  );
}

/** Into the trash, with a way back for some seconds. */
export function useTrash(talk: Talk, onMoved: () => void) {
  const say = useToast();
  const moved = useRef(onMoved);
  useEffect(() => { moved.current = onMoved; });
  const restore = useAct(async () => {
    await talk.restore();
    say(words.restored);
    moved.current();
  });
  const trash = useAct(async () => {
    await talk.trash();
    say(words.trashed, { label: words.undo, run: () => void talk.restore().then(() => { say(words.restored); moved.current(); }, () => say(strings.composer.failed)) });
    moved.current();
  });
  return { trash, restore };
}
