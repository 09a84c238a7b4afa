/** The parts that pages are made of. Looks are in styles/; words are in strings/. */
import { Component, createContext, type ButtonHTMLAttributes, type ComponentChildren, type VNode } from 'preact';
import { useContext, useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../http.ts';
import { shared } from '../strings/shared.ts';
import { useOnline, useSlow, type Loaded } from './hooks.ts';
import { Icon, type IconName } from './icons.tsx';
import { Heading } from './page.tsx';

/* ---------- buttons ---------- */
type Look = 'primary' | 'plain' | 'quiet' | 'danger';
interface ButtonProps extends Omit<ButtonHTMLAttributes, 'icon' | 'size'> {
  look?: Look;
  /** Shows that the act is under way; the button stays where it is and does nothing when pressed. */
  busy?: boolean;
  /** What the button says while busy ("Sending"). */
  busyLabel?: string;
  icon?: IconName;
  wide?: boolean;
  mini?: boolean;
}

/** A button. `type` is "button" unless said otherwise. While `busy` it keeps its focus and ignores presses. */
export function Button({ look = 'plain', busy, busyLabel, icon, wide, mini, children, onClick, type = 'button', class: extra, ...rest }: ButtonProps) {
  const classes = ['btn', look === 'plain' ? '' : look, wide ? 'wide' : '', mini ? 'mini' : '', extra ?? ''].filter(Boolean).join(' ');
  return (
    <button
      {...rest}
      type={type}
      class={classes}
      aria-disabled={busy ? 'true' : rest['aria-disabled']}
      onClick={(event) => {
        if (busy) {
          event.preventDefault();
          return;
        }
        onClick?.(event);
      }}
    >
      {busy ? <span class="spin" aria-hidden="true" /> : icon ? <Icon name={icon} /> : null}
      {busy && busyLabel ? busyLabel : children}
    </button>
  );
}

interface LinkButtonProps {
  href: string;
  look?: Look;
  icon?: IconName;
  wide?: boolean;
  mini?: boolean;
  children: ComponentChildren;
  download?: boolean;
  target?: string;
}

/** A link that looks like a button: it goes somewhere, it does not do something. */
export function LinkButton({ look = 'plain', icon, wide, mini, children, ...rest }: LinkButtonProps) {
  const classes = ['btn', look === 'plain' ? '' : look, wide ? 'wide' : '', mini ? 'mini' : ''].filter(Boolean).join(' ');
  return <a {...rest} class={classes}>{icon ? <Icon name={icon} /> : null}{children}</a>;
}

/* ---------- fields ---------- */
export interface Wiring {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': 'true' | undefined;
}
interface FieldProps {
  label: ComponentChildren;
  help?: ComponentChildren;
  error?: string | null;
  optional?: boolean;
  /** The id of the control; error summaries link to it. */
  id?: string;
  /** Something at the right end of the label's line. */
  aside?: ComponentChildren;
  children: (wiring: Wiring) => ComponentChildren;
}

/** Label above, help below the label, the error in words; `children` gets the attributes that tie them to the control. */
export function Field({ label, help, error, optional, id: given, aside, children }: FieldProps) {
  const made = useId();
  const id = given ?? made;
  const describedBy = [help ? `${id}-help` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ');
  const name = <label for={id} class="strong">{label}{optional ? <> <span class="optional">{shared.optional}</span></> : null}</label>;
  return (
    <div class={error ? 'field invalid' : 'field'}>
      {aside ? <div class="split">{name}{aside}</div> : name}
      {help ? <div class="help" id={`${id}-help`}>{help}</div> : null}
      {error ? <FieldError id={`${id}-error`} text={error} /> : null}
      {children({ id, 'aria-describedby': describedBy || undefined, 'aria-invalid': error ? 'true' : undefined })}
    </div>
  );
}

/** A group of choices under one question (a `<fieldset>`). */
export function Group({ label, help, error, optional, id: given, hideLabel, children }: Omit<FieldProps, 'children' | 'aside'> & { hideLabel?: boolean; children: ComponentChildren }) {
  const made = useId();
  const id = given ?? made;
  const describedBy = [help ? `${id}-help` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ');
  return (
    <fieldset class={error ? 'field invalid' : 'field'} id={id} tabIndex={-1} aria-describedby={describedBy || undefined}>
      <legend class={hideLabel ? 'hidden' : undefined}>{label}{optional ? <> <span class="optional">{shared.optional}</span></> : null}</legend>
      {help ? <div class="help" id={`${id}-help`}>{help}</div> : null}
      {error ? <FieldError id={`${id}-error`} text={error} /> : null}
      {children}
    </fieldset>
  );
}

export function FieldError({ id, text }: { id: string; text: string }) {
  return <p class="error" id={id}><Icon name="alert" /><span>{text}</span></p>;
}

interface TextFieldProps extends Omit<FieldProps, 'children'> {
  value: string;
  onInput: (value: string) => void;
  onBlur?: () => void;
  type?: 'text' | 'email' | 'tel' | 'password' | 'search' | 'date';
  name?: string;
  autocomplete?: string;
  inputMode?: 'text' | 'numeric' | 'decimal' | 'tel' | 'email';
  maxLength?: number;
  readOnly?: boolean;
  rows?: number;
  short?: boolean;
  required?: boolean;
}

/** A sentence in which the practice's number can be pressed to call, and does not break across lines. */
export function WithPhone({ text, phone }: { text: string; phone: string | null | undefined }) {
  const at = phone ? text.indexOf(phone) : -1;
  if (!phone || at < 0) return <>{text}</>;
  return <>{text.slice(0, at)}<a class="nb" href={`tel:${phone.replace(/[^\d+]/g, '')}`}>{phone}</a>{text.slice(at + phone.length)}</>;
}

/** One line of text, or several when `rows` is given. */
export function TextField(props: TextFieldProps) {
  const { value, onInput, onBlur, type = 'text', name, autocomplete, inputMode, maxLength, readOnly, rows, short, required, ...field } = props;
  return (
    <Field {...field}>
      {(wiring) => rows
        ? <textarea {...wiring} class="input" rows={rows} name={name} value={value} maxLength={maxLength} readOnly={readOnly} aria-required={required ? 'true' : undefined} onInput={(event) => onInput(event.currentTarget.value)} onBlur={onBlur} />
        : <input {...wiring} class={short ? 'input short' : 'input'} type={type as 'text'} name={name} value={value} maxLength={maxLength} readOnly={readOnly} autocomplete={autocomplete as 'on'} inputMode={inputMode as 'text'} aria-required={required ? 'true' : undefined} onInput={(event) => onInput(event.currentTarget.value)} onBlur={onBlur} />}
    </Field>
  );
}

/** A password with a control that shows it. Spaces count; nothing is trimmed. */
export function PasswordField(props: Omit<TextFieldProps, 'type' | 'rows'>) {
  const { value, onInput, onBlur, name, autocomplete, maxLength, required, readOnly: _r, inputMode: _i, short: _s, ...field } = props;
  const [shown, setShown] = useState(false);
  return (
    <Field {...field}>
      {(wiring) => (
        <div class="affix">
          <input {...wiring} class="input" type={(shown ? 'text' : 'password') as 'text'} name={name} value={value} maxLength={maxLength} autocomplete={autocomplete as 'on'} autocapitalize="none" spellcheck={false} aria-required={required ? 'true' : undefined} onInput={(event) => onInput(event.currentTarget.value)} onBlur={onBlur} />
          <button class="btn quiet mini" type="button" aria-pressed={shown} onClick={() => setShown(!shown)}>{shown ? shared.password.hide : shared.password.show}<span class="hidden">{shared.password.suffix}</span></button>
        </div>
      )}
    </Field>
  );
}

/** One consent or option: the whole line can be pressed. */
export function Check({ checked, onChange, children, id, describedBy, invalid, disabled }: { checked: boolean; onChange: (on: boolean) => void; children: ComponentChildren; id?: string; describedBy?: string; invalid?: boolean; disabled?: boolean }) {
  return (
    <label class="check">
      <input type="checkbox" id={id} checked={checked} disabled={disabled} aria-describedby={describedBy} aria-invalid={invalid ? 'true' : undefined} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{children}</span>
    </label>
  );
}

/** A setting that takes effect at once. Label and reasons belong to the caller (`aria-labelledby`, `aria-describedby`). */
export function Switch({ id, on, onChange, disabled, describedBy }: { id: string; on: boolean; onChange: (on: boolean) => void; disabled?: boolean; describedBy?: string }) {
  return <input class="switch" type="checkbox" role="switch" id={id} checked={on} disabled={disabled} aria-describedby={describedBy} onChange={(event) => onChange(event.currentTarget.checked)} />;
}

/** Two or three views of one thing. */
export function Segments<V extends string>({ legend, name, value, options, onChange }: { legend: string; name: string; value: V; options: { value: V; label: string }[]; onChange: (value: V) => void }) {
  return (
    <fieldset>
      <legend class="hidden">{legend}</legend>
      <div class="segments">
        {options.map((option) => (
          <label key={option.value}><input type="radio" name={name} value={option.value} checked={option.value === value} onChange={() => onChange(option.value)} />{option.label}</label>
        ))}
      </div>
    </fieldset>
  );
}

export interface Wrong { id: string; text: string }

/** What is wrong, above the first question, with a link to each; takes focus whenever `turn` grows. */
export function ErrorSummary({ wrong, turn, title }: { wrong: Wrong[]; turn: number; title?: string }) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (turn > 0 && wrong.length) ref.current?.focus();
  }, [turn]);
  if (!wrong.length) return null;
  return (
    <div class="summary" ref={ref} tabIndex={-1} role="group" aria-labelledby="summary-title">
      <h2 id="summary-title">{title ?? shared.summary(wrong.length)}</h2>
      <ul class="stack g2">
        {wrong.map((item) => (
          <li key={item.id}><a href={`#${item.id}`} onClick={(event) => { event.preventDefault(); goTo(item.id); }}>{item.text}</a></li>
        ))}
      </ul>
    </div>
  );
}

/** Brings a control into view and puts the cursor in it (in the first choice of a group). */
export function goTo(id: string): void {
  const found = document.getElementById(id);
  if (!found) return;
  const control = found.matches('input, select, textarea, button') ? found : found.querySelector<HTMLElement>('input, select, textarea, button') ?? found;
  found.scrollIntoView({ block: 'center' });
  control.focus({ preventScroll: true });
}

/* ---------- telling ---------- */
export type Tone = 'info' | 'good' | 'warn' | 'bad' | 'own' | 'plain';
const TONE_ICON: Record<Tone, IconName> = { info: 'info', good: 'check', warn: 'alert', bad: 'alert', own: 'info', plain: 'info' };

/** A note that stays with its subject. `live` makes a screen reader say it when it appears. */
export function Note({ tone = 'plain', icon, live, children, action, id }: { tone?: Tone; icon?: IconName; live?: boolean; children: ComponentChildren; action?: ComponentChildren; id?: string }) {
  return (
    <div class={tone === 'plain' ? 'note' : `note ${tone}`} id={id} role={live ? (tone === 'bad' ? 'alert' : 'status') : undefined}>
      <Icon name={icon ?? TONE_ICON[tone]} />
      <div>{children}</div>
      {action}
    </div>
  );
}

/** A failed act, in words, with what can be done about it. */
export function ProblemNote({ problem, onRetry }: { problem: Problem | null; onRetry?: () => void }) {
  if (!problem) return null;
  const wait = problem.retryAfter ? shared.failure.busy(shared.waitSeconds(problem.retryAfter)) : null;
  return (
    <Note tone="bad" live icon={problem.status === 0 ? 'offline' : 'alert'} action={onRetry ? <Button mini onClick={onRetry}>{shared.tryAgain}</Button> : undefined}>
      {problem.status === 503 && problem.code !== 'processor_unavailable' && wait ? wait : problem.title}
    </Note>
  );
}

/** State in a word; `hollow` means not settled yet. */
export function Badge({ tone = 'plain', hollow, children }: { tone?: Exclude<Tone, 'own'>; hollow?: boolean; children: ComponentChildren }) {
  return <span class={['badge', tone === 'plain' ? '' : tone, hollow ? 'hollow' : ''].filter(Boolean).join(' ')}>{children}</span>;
}

/** What belongs here, and the one way to begin. `level` 1 when it is all there is on the page. */
export function Empty({ icon, title, children, action, level = 2 }: { icon: IconName; title: string; children?: ComponentChildren; action?: ComponentChildren; level?: 1 | 2 | 3 }) {
  const Tag = `h${level}` as 'h2';
  return (
    <div class="empty">
      <span class="glyph"><Icon name={icon} /></span>
      {level === 1 ? <Heading move={title}>{title}</Heading> : <Tag>{title}</Tag>}
      {children ? <p class="small">{children}</p> : null}
      {action}
    </div>
  );
}

/** The shape of what is coming, after 300 ms. `rows` lines of a list, or a page of text. */
export function Bones({ rows = 3, card = true }: { rows?: number; card?: boolean }) {
  const slow = useSlow(true);
  return (
    <div aria-busy="true">
      <p class="hidden" role="status">{slow ? shared.loading : ''}</p>
      {slow ? (
        <div class={card ? 'card stack g5' : 'stack g5'} aria-hidden="true">
          {Array.from({ length: rows }, (_, index) => (
            <div class="line" key={index}><div class="bone round" /><div class="stack g3"><div class={`bone w${(index % 3) + 1}`} /><div class={`bone w${((index + 1) % 3) + 1}`} /></div></div>
          ))}
        </div>
      ) : null}
    </div>
  );
}

/** Shows bones, then the failure with "Try again", then the content. A failed refresh keeps the content and says so.
 * `within`: the page already has its `<h1>`, so a failure gets an `<h2>`. */
export function Await<T>({ of, bones, within, children }: { of: Loaded<T>; bones?: ComponentChildren; within?: boolean; children: (data: T) => ComponentChildren }): VNode {
  if (of.data !== null) {
    return <>{of.problem ? <ProblemNote problem={of.problem} onRetry={() => void of.reload()} /> : null}{children(of.data)}</>;
  }
  if (of.problem) return <LoadFailed problem={of.problem} onRetry={() => void of.reload()} within={within} />;
  return <>{bones ?? <Bones />}</>;
}

export function LoadFailed({ problem, onRetry, within }: { problem: Problem; onRetry: () => void; within?: boolean }) {
  const missing = problem.status === 404;
  const title = missing ? shared.failure.notFoundTitle : problem.status === 403 ? shared.failure.forbiddenTitle : shared.failure.loadTitle;
  return (
    <div class="empty" role="alert">
      <span class="glyph"><Icon name={problem.status === 0 ? 'offline' : missing ? 'search' : 'alert'} /></span>
      {within ? <h2>{title}</h2> : <Heading>{title}</Heading>}
      <p class="small">{missing ? shared.failure.notFound : problem.title}</p>
      {missing || problem.status === 403 ? <LinkButton href="/">{shared.failure.goHome}</LinkButton> : <Button onClick={onRetry}>{shared.tryAgain}</Button>}
      {problem.request && problem.status >= 500 ? <p class="tiny faint">{shared.failure.reference(problem.request)}</p> : null}
    </div>
  );
}

/** A quiet line while there is no connection. */
export function OfflineNote({ text = shared.offline }: { text?: string }) {
  const online = useOnline();
  return <div class="offline-slot" role="status">{online ? null : <p class="note warn"><Icon name="offline" /><span>{text}</span></p>}</div>;
}

/* ---------- toasts ---------- */
interface ToastItem { id: number; text: string; action?: { label: string; run: () => void } }
type Say = (text: string, action?: ToastItem['action']) => void;
const ToastContext = createContext<Say>(() => {});

/** `const say = useToast(); say('Copied')`: told once, read out by screen readers, gone after some seconds. */
export function useToast(): Say {
  return useContext(ToastContext);
}

export function ToastProvider({ children }: { children: ComponentChildren }) {
  const [items, setItems] = useState<ToastItem[]>([]);
  const next = useRef(1);
  const drop = (id: number) => setItems((now) => now.filter((item) => item.id !== id));
  const say = useRef<Say>((text, action) => {
    const id = next.current++;
    setItems((now) => [...now.slice(-2), { id, text, action }]);
    setTimeout(() => drop(id), action ? 10_000 : 5_000);
  });
  return (
    <ToastContext.Provider value={say.current}>
      {children}
      <div class="toasts" role="status" aria-live="polite">
        {items.map((item) => (
          <div class="toast" key={item.id}>
            <span>{item.text}</span>
            {item.action ? <button type="button" class="btn quiet mini" onClick={() => { item.action?.run(); drop(item.id); }}>{item.action.label}</button> : null}
          </div>
        ))}
      </div>
    </ToastContext.Provider>
  );
}

/* ---------- dialogs ---------- */
interface DialogProps {
  open: boolean;
  /** Escape, the back gesture, or a press beside it. */
  onClose: () => void;
  title: string;
  children: ComponentChildren;
  /** The buttons; the first is what the question asks. */
  actions: ComponentChildren;
  /** A wide sheet for something to read (a preview). */
  broad?: boolean;
}

/** One question; a sheet on phones. Focus returns to where it was. */
export function Dialog({ open, onClose, title, children, actions, broad }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog || !open) return;
    const before = document.activeElement as HTMLElement | null;
    if (!dialog.open) dialog.showModal();
    return () => {
      if (dialog.open) dialog.close();
      if (before?.isConnected) before.focus({ preventScroll: true });
    };
  }, [open]);
  if (!open) return null;
  return (
    <dialog
      ref={ref}
      class={broad ? 'stack g4 broad' : 'stack g4'}
      aria-labelledby={id}
      onCancel={(event) => { event.preventDefault(); close.current(); }}
      onClick={(event) => { if (event.target === ref.current) close.current(); }}
    >
      <h2 id={id} tabIndex={-1}>{title}</h2>
      <div class="stack g3">{children}</div>
      <div class="cluster g2">{actions}</div>
    </dialog>
  );
}

/* ---------- small things ---------- */
/** A table of names and values. */
export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return <dl class="facts">{rows.map(([name, value]) => [<dt key={`${name}-t`}>{name}</dt>, <dd key={`${name}-d`}>{value}</dd>])}</dl>;
}

export function Avatar({ letters, size }: { letters: string; size?: 's' | 'l' }) {
  return <span class={size ? `avatar ${size}` : 'avatar'} aria-hidden="true">{letters}</span>;
}

/** Catches what a page throws while drawing, and offers to load it again. `reset` clears it (the route). */
export class Boundary extends Component<{ reset: string; children: ComponentChildren }, { failed: boolean }> {
  override state = { failed: false };
  static override getDerivedStateFromError() {
    return { failed: true };
  }
  override componentDidUpdate(before: { reset: string }) {
    if (before.reset !== this.props.reset && this.state.failed) this.setState({ failed: false });
  }
  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <main id="main">
        <div class="empty" role="alert">
          <span class="glyph"><Icon name="alert" /></span>
          <h1 tabIndex={-1}>{shared.failure.crashTitle}</h1>
          <p class="small">{shared.failure.crash}</p>
          <Button onClick={() => location.reload()}>{shared.failure.reload}</Button>
        </div>
      </main>
    );
  }
}
