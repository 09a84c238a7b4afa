/** Small pieces that several staff pages share: trouble in staff words, states as badges, crumbs, tabs, copying. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../http.ts';
import { Badge, Button, Heading, Icon, LinkButton, Note, useOnline, useSlow, useTabInSight, type IconName, type Loaded, type Tone } from '../ui/index.ts';
import { shared } from '../strings/shared.ts';
import { staff } from '../strings/staff.ts';
import type { ClientRow, Invite } from '../types.ts';

const words = staff.trouble;

/** What a person can do about a failure, in one sentence. */
export function sentenceOf(problem: Problem, online = navigator.onLine): string {
  if (problem.status === 0) return online ? words.network : words.offline;
  if (problem.status === 429 || (problem.status === 503 && problem.code !== 'processor_unavailable')) {
    return problem.retryAfter ? shared.failure.busy(shared.waitSeconds(problem.retryAfter)) : words.busy;
  }
  return problem.title;
}

/** A failed act beside its button. */
export function Failed({ problem, lead = '' }: { problem: Problem | null; lead?: string }) {
  if (!problem || problem.status === 401) return null;
  return <Note tone="bad" live icon={problem.status === 0 ? 'offline' : 'alert'}>{lead ? `${lead} ` : ''}{sentenceOf(problem)}</Note>;
}

/** What a page says when what it shows is not there; `go`: where to, instead of the clients. */
export interface Missing { title: string; text: string; go?: { label: string; href: string } }

/** A page that could not be loaded: says why, and offers the one thing that may help. */
export function Trouble({ problem, retry, missing, heading = true }: {
  problem: Problem; retry: () => unknown; missing?: Missing; heading?: boolean;
}) {
  const online = useOnline();
  const [title, text, icon] = told(problem, online, missing);
  const closed = problem.status === 403 || problem.status === 404;
  const wasOnline = useRef(online);
  useEffect(() => {
    // Coming back online is answer enough: nobody should have to press a button for it.
    if (online && !wasOnline.current && problem.passing) void retry();
    wasOnline.current = online;
  }, [online]);
  return (
    <section class="card" role="alert">
      <div class="empty">
        <span class="glyph"><Icon name={icon} /></span>
        {heading ? <Heading>{title}</Heading> : <h2>{title}</h2>}
        <p class="small">{text}</p>
        {closed
          ? <LinkButton href={missing?.go?.href ?? '/staff/clients'}>{missing?.go?.label ?? words.toClients}</LinkButton>
          : <Button onClick={() => void retry()}>{words.retry}</Button>}
        {problem.request && problem.status >= 500 && <p class="tiny faint">{words.reference(problem.request)}</p>}
      </div>
    </section>
  );
}

function told(problem: Problem, online: boolean, missing?: Missing): [string, string, IconName] {
  if (problem.status === 404) return [missing?.title ?? words.notFoundTitle, missing?.text ?? words.notFound, 'search'];
  if (problem.status === 403) return [words.forbiddenTitle, problem.code === 'forbidden' ? words.forbidden : problem.title, 'lock'];
  return [words.title, sentenceOf(problem, online), online ? 'alert' : 'offline'];
}

/** Shows what was loaded, or its shape while it comes, or why it does not come. */
export function Ready<T>({ of, bones, missing, heading = true, children }: {
  of: Loaded<T>; bones: ComponentChildren; missing?: Missing; heading?: boolean; children: (data: T) => ComponentChildren;
}) {
  const slow = useSlow(of.loading && of.data === null);
  if (of.data !== null) {
    const gone = of.problem && of.problem.status !== 401;
    return <>{gone && <Note tone="warn" live>{sentenceOf(of.problem!)}</Note>}{children(of.data)}</>;
  }
  if (of.problem && of.problem.status !== 401) return <Trouble problem={of.problem} retry={of.reload} missing={missing} heading={heading} />;
  return (
    <div aria-busy="true" class="stack g5">
      <span class="hidden" role="status">{slow ? shared.loading : ''}</span>
      {slow && bones}
    </div>
  );
}

const WIDTHS = [['w2', 'w3'], ['w3', 'w1'], ['w2', 'w2'], ['w1', 'w3']] as const;

/** The shape of a list that comes. */
export function RowBones({ rows = 4 }: { rows?: number }) {
  return (
    <div class="card stack g5" aria-hidden="true">
      {Array.from({ length: rows }, (_, n) => (
        <div class="line" key={n}>
          <div class="bone round" />
          <div class="stack g3"><div class={`bone ${WIDTHS[n % 4]![0]}`} /><div class={`bone ${WIDTHS[n % 4]![1]}`} /></div>
        </div>
      ))}
    </div>
  );
}

/** The shape of a record that comes: a person, then cards. */
export function RecordBones() {
  return (
    <div class="stack g5" aria-hidden="true">
      <div class="line"><div class="bone round" /><div class="stack g3"><div class="bone w2" /><div class="bone w1" /></div></div>
      <div class="card stack g4"><div class="bone w1" /><div class="bone w3" /><div class="bone w2" /><div class="bone w3" /></div>
      <div class="card stack g4"><div class="bone w2" /><div class="bone w3" /></div>
    </div>
  );
}

type BadgeTone = Exclude<Tone, 'own'>;

const PORTAL: Record<string, [BadgeTone, boolean]> = {
  none: ['plain', true], invited: ['info', true], expired: ['warn', false], active: ['good', false], ended: ['plain', false],
};

/** Where a person stands with the portal, in words. */
export function PortalBadge({ portal }: { portal: ClientRow['portal'] }) {
  const [tone, hollow] = PORTAL[portal] ?? ['plain', true];
  return <Badge tone={tone} hollow={hollow}>{staff.portal[portal] ?? portal}</Badge>;
}

const STATUS: Record<Invite['status'], [BadgeTone, boolean]> = {
  waiting: ['info', true], completed: ['good', false], expired: ['warn', false], locked: ['warn', false], revoked: ['plain', false], replaced: ['plain', false],
};

export function InviteBadge({ status }: { status: Invite['status'] }) {
  const [tone, hollow] = STATUS[status];
  return <Badge tone={tone} hollow={hollow}>{staff.invite.status[status]}</Badge>;
}

const DELIVERY: Record<Invite['delivery'], [BadgeTone, boolean]> = {
  queued: ['plain', true], sent: ['plain', true], delivered: ['good', false],
  delayed: ['warn', true], deferred: ['warn', false], suppressed: ['bad', false],
  bounced: ['bad', false], complained: ['bad', false], failed: ['bad', false], cancelled: ['plain', false],
};

export function DeliveryBadge({ delivery }: { delivery: Invite['delivery'] }) {
  const [tone, hollow] = DELIVERY[delivery];
  return <Badge tone={tone} hollow={hollow}>{staff.invite.delivery[delivery]}</Badge>;
}

/** The way down to this page; the last item is the page itself. */
export function Crumbs({ items }: { items: (string | [text: string, href: string])[] }) {
  return (
    <nav aria-label={words.crumbs}>
      <ol class="crumbs">
        {items.map((item) => (typeof item === 'string'
          ? <li key={item} aria-current="page">{item}</li>
          : <li key={item[1]}><a href={item[1]}>{item[0]}</a></li>))}
      </ol>
    </nav>
  );
}

/** Links that look like tabs; each is a page of its own, so that back and bookmarks work. */
export function Tabs({ label, items, current }: { label: string; items: [text: string, href: string][]; current: string }) {
  const ref = useTabInSight<HTMLElement>(current);
  return (
    <nav class="tabs" aria-label={label} ref={ref}>
      {items.map(([text, href]) => <a key={href} href={href} aria-current={href === current ? 'page' : undefined}>{text}</a>)}
    </nav>
  );
}

/** A link shown in full, with a button that copies it and says that it did. */
export function CopyLink({ label, link, button, primary = false }: { label: string; link: string; button: string; primary?: boolean }) {
  const [state, setState] = useState<'idle' | 'copied' | 'blocked'>('idle');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (state !== 'copied') return;
    const timer = setTimeout(() => setState('idle'), 4000);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link);
      setState('copied');
    } catch {
      field.current?.focus();
      field.current?.select();
      setState('blocked');
    }
  };
  const copied = state === 'copied';
  return (
    <div class="stack g2">
      <input class="input link" ref={field} aria-label={label} readOnly value={link} onFocus={(event) => event.currentTarget.select()} />
      <Button look={primary ? 'primary' : 'plain'} icon={copied ? 'check' : 'copy'} onClick={() => void copy()}>{copied ? words.copied : button}</Button>
      <p class={state === 'blocked' ? 'tiny soft' : 'hidden'} role="status">{state === 'blocked' ? words.copyBlocked : copied ? words.copied : ''}</p>
    </div>
  );
}

/** Whether the word about this mail is still to come, so that a page should look again by itself. */
export function moving(invite: Invite | null): boolean {
  return invite !== null && invite.status === 'waiting' && ['queued', 'sent', 'delayed'].includes(invite.delivery);
}

/** The name a person goes by, when the name on file does not already say it. */
export function otherName({ name, preferred_name }: Pick<ClientRow, 'name' | 'preferred_name'>): string | null {
  return preferred_name && !name.split(/\s+/u).includes(preferred_name) && preferred_name !== name ? preferred_name : null;
}
