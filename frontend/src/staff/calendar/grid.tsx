/** Days, or therapists, side by side: what is open, what is taken, and empty times to choose.
 *
 * Three layers over each other: the shading; a grid of half hours, which arrow keys walk and Enter or a click opens; and
 * the appointments, which are links. The cells name what is taken, so the grid alone tells everything. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { calendar } from '../../strings/calendar.ts';
import { recurring } from '../../strings/recurring.ts';
import { Badge, dayKey, dayWords, minuteOfDay, statusBadge, time, whereOf } from '../../ui/index.ts';
import { hrefOf, nameOf } from './entry.ts';
import { lettersOf } from './letters.ts';
import { clockText, parts, place, placed as placedOn, type Block, type Column, type Part, type Placed } from './placing.ts';

const words = calendar.page;
const CELL = 30; // minutes

interface GridProps { columns: Column[]; zone: string; label: string; named: boolean; roomy: boolean; onPick: (column: Column, clock: string) => void }

export function TimeGrid({ columns, zone, label, named, roomy, onPick }: GridProps) {
  const shown = columns.map((one) => ({
    one, placed: placedOn(one.of, one.day, zone),
    open: parts(one.of.flatMap((each) => each.hours), one.day, zone),
    away: one.of.length === 1 ? parts(one.of[0]!.time_off, one.day, zone) : [],
  }));
  const letters = lettersOf(named ? columns.flatMap((one) => one.of.map((each) => each.name)) : []);
  // From eight to seven, and as much more as somebody is there.
  const starts = shown.flatMap((each) => [...each.placed.map((one) => one.start), ...each.open.map((one) => Math.max(360, one[0]))]);
  const ends = shown.flatMap((each) => [...each.placed.map((one) => one.end), ...each.open.map((one) => Math.min(1320, one[1]))]);
  const from = Math.floor(Math.min(480, ...starts) / 60) * 60;
  const to = Math.ceil(Math.max(1140, ...ends) / 60) * 60;
  const clip = (all: Part[]) => all.filter(([start, end]) => Math.min(end, to) > Math.max(start, from)).map(([start, end]): Part => [Math.max(start, from), Math.min(end, to)]);
  const today = dayKey(new Date(), zone);
  const now = minuteOfDay(new Date(), zone);
  const size = (element: HTMLElement | null) => {
    element?.style.setProperty('--rows', String((to - from) / 5));
    element?.style.setProperty('--cols', String(columns.length));
    // With everyone in it a day is as wide as what lies side by side needs, for two letters each.
    element?.style.setProperty('--tracks', named ? shown.map(({ placed }) => `minmax(${Math.max(3, ...placed.map((each) => each.lanes * 2.5 + 0.25))}rem, 1fr)`).join(' ') : '');
  };
  const empty = (column: number, at: number) => cellState(shown[column]!, at, named);
  return (
    <section class="card flush" aria-label={label}>
      <div class={columns.length > 1 && columns[0]!.day === columns[1]!.day ? 'cal many' : 'cal'} ref={size}>
        {columns.length > 1 ? ( // of one day the title says which
          <div class="calhead">
            <span />
            {columns.map((one) => <div key={one.key} class={one.day === today ? 'head today' : 'head'}><div>{one.head}{one.sub ? <b>{one.sub}</b> : null}</div></div>)}
          </div>
        ) : null}
        <div class="calbody">
          <div class="callayer" aria-hidden="true">
            <ul class="calhours">{Array.from({ length: (to - from) / 60 }, (_, n) => <li key={n}>{hourName(from / 60 + n)}</li>)}</ul>
            {shown.map(({ one, open, away }) => (
              <div key={one.key} class="calday shade">
                {clip(open).map((part) => <div key={String(part)} class="open" ref={(element) => place(element, part, from)} />)}
                {clip(away).map((part) => <div key={`away${String(part)}`} class="event away" ref={(element) => place(element, part, from)}><b>{words.away}</b></div>)}
              </div>
            ))}
          </div>
          <Cells columns={columns} from={from} to={to} label={label} state={empty} onPick={onPick} />
          <div class="callayer over">
            <span />
            {shown.map(({ one, placed }) => (
              <div key={one.key} class="calday" role="group" aria-label={one.label}>
                {placed.map((each) => (each.entry
                  ? <Event key={each.key} block={each} zone={zone} from={from} letters={letters.get(each.by)} roomy={roomy} />
                  : <Held key={each.key} block={each} from={from} letters={letters.get(each.by)} />))}
                {one.day === today && now >= from && now < to ? <div class="instant" ref={(element) => place(element, [now, now + 5], from)}><span class="hidden">{words.now}</span></div> : null}
              </div>
            ))}
          </div>
        </div>
      </div>
    </section>
  );
}

interface Content { placed: Placed[]; open: Part[]; away: Part[] }

/** What a half hour is, in words; and the appointment in it, if there is one. */
function cellState({ placed, open, away }: Content, at: number, named: boolean): { word: string; block: Block | null } {
  const meets = ([start, end]: Part) => start < at + CELL && at < end;
  const there = placed.filter((each) => meets([each.start, each.end]));
  const said = (each: Placed) => `${each.entry ? nameOf(each.entry) : words.held}${named ? `, ${each.by}` : ''}`;
  if (there.length) return { word: there.map(said).join('; '), block: there.find((each): each is Block => each.entry !== null) ?? null };
  if (away.some(meets)) return { word: words.away, block: null };
  return { word: open.some(meets) ? words.openCell : words.closedCell, block: null };
}

interface CellsProps { columns: Column[]; from: number; to: number; label: string; state: (column: number, at: number) => { word: string; block: Block | null }; onPick: (column: Column, clock: string) => void }

/** The half hours as an ARIA grid: one of them is in the tab order, arrows go on from there (WAI-ARIA APG, Grid). */
function Cells({ columns, from, to, label, state, onPick }: CellsProps) {
  const grid = useRef<HTMLDivElement>(null);
  const times = Array.from({ length: (to - from) / CELL }, (_, n) => from + n * CELL);
  const [at, setAt] = useState<[number, number]>([0, 0]);
  // Before anybody can see it: a focus that came sooner would walk on from another cell.
  useLayoutEffect(() => setAt([0, Math.max(0, times.findIndex((each) => state(0, each).word === words.openCell))]), [columns[0]?.key, from, to]);
  const go = (column: number, row: number) => {
    const next: [number, number] = [Math.min(columns.length - 1, Math.max(0, column)), Math.min(times.length - 1, Math.max(0, row))];
    setAt(next);
    const cell = grid.current?.querySelector<HTMLElement>(`[data-at="${next.join('-')}"]`);
    cell?.focus();
    cell?.scrollIntoView({ block: 'nearest', inline: 'nearest' }); // whole: a focus leaves a part of it beneath what is at the side
  };
  const choose = (column: number, minute: number) => {
    const { block } = state(column, minute);
    if (block) grid.current?.parentElement?.querySelector<HTMLElement>(`[data-key="${CSS.escape(block.key)}"]`)?.click();
    else onPick(columns[column]!, clockText(minute));
  };
  const key = (event: KeyboardEvent, column: number, row: number) => {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [column - 1, row], ArrowRight: [column + 1, row], ArrowUp: [column, row - 1], ArrowDown: [column, row + 1],
      Home: [0, row], End: [columns.length - 1, row], PageUp: [column, row - 4], PageDown: [column, row + 4],
    };
    if (event.key === 'Enter' || event.key === ' ') choose(column, times[row]!);
    else if (moves[event.key]) go(...moves[event.key]!);
    else return;
    event.preventDefault();
  };
  return (
    <div class="calcells" role="grid" aria-label={words.gridOf(label)} ref={grid}>
      {times.map((minute, row) => (
        <div class="calrow" role="row" key={minute}>
          <span role="rowheader"><span class="hidden">{clockName(minute)}</span></span>
          {columns.map((one, column) => (
            <div
              key={one.key} role="gridcell" data-at={`${column}-${row}`} tabIndex={at[0] === column && at[1] === row ? 0 : -1}
              aria-label={`${one.label}, ${clockName(minute)}, ${state(column, minute).word}`}
              onKeyDown={(event) => key(event, column, row)} onFocus={() => setAt([column, row])}
              onClick={(event) => { const half = event.offsetY > event.currentTarget.clientHeight / 2 ? CELL / 2 : 0; choose(column, minute + (event.detail ? half : 0)); }}
            />
          ))}
        </div>
      ))}
    </div>
  );
}

function hourName(hour: number): string {
  return hour === 12 ? words.noon : new Intl.DateTimeFormat('en-US', { hour: 'numeric', timeZone: 'UTC' }).format(new Date(Date.UTC(2026, 0, 1, hour)));
}

function clockName(minute: number): string {
  return new Intl.DateTimeFormat('en-US', { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' }).format(new Date(Date.UTC(2026, 0, 1, 0, minute)));
}

interface EventProps { block: Block; zone: string; from: number; roomy: boolean;
  /** The therapist's, among those of several. */
  letters: string | undefined }

function Event({ block, zone, from, letters, roomy }: EventProps) {
  const { entry } = block;
  const badge = statusBadge(entry);
  const asked = entry.status === 'requested' || entry.status === 'proposed';
  const name = nameOf(entry);
  const href = hrefOf(entry);
  const at = time(block.at, zone);
  const put = (element: HTMLElement | null) => place(element, [block.start, block.end], from, block.lane, block.lanes);
  const look = `event lane ${asked ? 'asked' : `c-${entry.colour}`}${entry.status === 'completed' || entry.status === 'no_show' ? ' past' : ''}${letters === undefined ? '' : ' whose'}`;
  const more = [words.where[entry.mode], ...(roomy ? [entry.service, whereOf(entry)].slice(0, entry.mode === 'in_person' ? 2 : 1) : [])];
  const whole = [name, at, ...more, ...(letters === undefined ? [] : [block.by]), badge.word].join(', ');
  const inside = roomy ? (
    <>
      <b>{name}</b>
      <span>{at} – {time(block.ends, zone)} {more.join(' · ')}</span>
      {asked || entry.status === 'no_show' ? <span class="by">{badge.word}</span> : <span class="hidden">, {badge.word}</span>}
    </>
  ) : (
    <>
      <span class="hidden">{whole}</span>
      {letters === undefined ? null : <span class="letters" aria-hidden="true">{letters}</span>}
      <b aria-hidden="true">{entry.group ? recurring.group.crumb : name}</b>
      <span class="at" aria-hidden="true">{at.replace(/\s?[AP]M$/, '')}{entry.group ? ` · ${recurring.group.short(entry.group.taken, entry.group.capacity)}` : entry.mode === 'telehealth' ? ` ${words.where.telehealth}` : ''}</span>
    </>
  );
  const title = roomy ? undefined : whole;
  if (!href) return <div class={look} ref={put} data-key={block.key} title={title}>{inside}</div>;
  return <a class={look} ref={put} data-key={block.key} href={href} title={title}>{inside}</a>;
}

/** A time that is offered to somebody on the wait list. */
function Held({ block, from, letters }: { block: Placed; from: number; letters: string | undefined }) {
  const put = (element: HTMLElement | null) => place(element, [block.start, block.end], from, block.lane, block.lanes);
  const whole = letters === undefined ? words.held : `${words.held}, ${block.by}`;
  return (
    <div class={letters === undefined ? 'event lane held' : 'event lane held whose'} ref={put} title={whole}>
      <span class="hidden">{whole}</span>
      {letters === undefined ? null : <span class="letters" aria-hidden="true">{letters}</span>}
      <b aria-hidden="true">{words.held}</b>
    </div>
  );
}

/** The same days as a list: what is in them, in order. */
export function Agenda({ columns, zone, label, named, empty }: { columns: Column[]; zone: string; label: string; named: boolean; empty: string }) {
  const days = columns.map((one) => ({ one, placed: placedOn(one.of, one.day, zone), away: one.of.length === 1 ? parts(one.of[0]!.time_off, one.day, zone) : [] })).filter((each) => each.placed.length || each.away.length);
  const today = dayKey(new Date(), zone);
  if (!days.length) return <section class="card" aria-label={label}><p class="soft">{empty}</p></section>;
  return (
    <section class="stack g4" aria-label={label}>
      {days.map(({ one, placed, away }) => (
        <div class="card flush" key={one.key}>
          <h2 class="agendaday">{dayWords(one.day)}{one.day === today ? <Badge tone="info">{words.todayWord}</Badge> : null}</h2>
          <ul class="rows">
            {away.map((part) => <li key={`away${String(part)}`} class="agendarow"><span class="num small">{part[0] === 0 && part[1] === 1440 ? words.allDay : `${clockName(part[0])} – ${clockName(part[1] % 1440)}`}</span><span class="soft">{words.away}</span></li>)}
            {placed.map((each) => <li key={each.key}><AgendaRow block={each} zone={zone} named={named} /></li>)}
          </ul>
        </div>
      ))}
    </section>
  );
}

export function AgendaRow({ block, zone, named }: { block: Placed; zone: string; named: boolean }) {
  const { entry } = block;
  const when = <span class="num small">{time(block.at, zone)} – {time(block.ends, zone)}</span>;
  if (!entry) {
    return (
      <div class="agendarow">
        {when}
        <span class="strip held" aria-hidden="true" />
        <span class="stack g1"><span class="soft">{words.held}</span>{named ? <span class="small soft">{block.by}</span> : null}</span>
      </div>
    );
  }
  const badge = statusBadge(entry);
  const inside = (
    <>
      {when}
      <span class={`strip c-${entry.colour}`} aria-hidden="true" />
      <span class="stack g1"><span class="strong">{nameOf(entry)}</span><span class="small soft">{[entry.service, whereOf(entry), ...(named ? [block.by] : [])].join(' · ')}</span></span>
      <Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge>
    </>
  );
  const href = hrefOf(entry);
  if (!href) return <div class="agendarow">{inside}</div>;
  return <a class="agendarow row" href={href}>{inside}</a>;
}
