/** Writing into a conversation: the words, the files, and what is said beside them always. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useSession } from '../session.tsx';
import { messages } from '../strings/messages.ts';
import { shared } from '../strings/shared.ts';
import type { ComposerFacts, SentMessage } from '../types.ts';
import { Button, Dialog, FieldError, Icon, Note, ProblemNote, fileSize, time, useAct, useOnline, useToast } from '../ui/index.ts';
import { ACCEPT } from '../upload.ts';
import { stateOf, unready, type Attaching } from './attaching.ts';
import type { Desk } from './mailbox.ts';
import { isUnsure, useWriting, type Writing } from './writing.ts';

const words = messages.composer;

/** Always there, never red, never in the way (LOOK.md). */
export function Emergencies({ facts }: { facts: Pick<ComposerFacts, 'crisis_phone'> }) {
  const phone = facts.crisis_phone;
  const call = (number: string) => <a href={`tel:${number.replace(/[^\d+]/g, '')}`}>{number}</a>;
  return <p class="tiny soft emergencies">{words.emergencies} {call('911')}{words.dot} {phone === '988' ? words.crisis988 : words.crisisOther} {call(phone)}{words.dot}</p>;
}

/** "Saved 2:14 PM", or why not. */
export function DraftState({ writing }: { writing: Writing }) {
  const online = useOnline();
  const { save } = writing;
  const trouble = save.kind === 'waiting' ? (online ? words.kept : words.keptOffline) : save.kind === 'refused' ? words.refused : '';
  const shown = trouble || (save.kind === 'saving' ? words.saving : save.kind === 'saved' ? words.saved(time(save.at)) : '');
  return (
    <>
      {shown ? <span class={trouble ? 'saved trouble' : 'saved'}>{trouble ? <Icon name="offline" /> : save.kind === 'saved' ? <Icon name="check" /> : <span class="spin" aria-hidden="true" />}{shown}</span> : null}
      <span class="hidden" role="status">{trouble}</span>
    </>
  );
}

/** The files of a message that is being written, each with its state; `error`: why the message cannot go with them. */
export function AttachedFiles({ files, id, error }: { files: Attaching; id?: string; error?: string | null }) {
  if (!files.items.length) return files.fault ? <p class="error" role="alert"><Icon name="alert" /><span>{files.fault}</span></p> : null;
  return (
    <div class="stack g2" id={id} tabIndex={id ? -1 : undefined}>
      {error && <FieldError id={`${id}-error`} text={error} />}
      <ul class="attached" aria-label={messages.files.list}>
        {files.items.map((one) => (
          <li key={one.id} class={one.state === 'refused' || one.state === 'failed' ? 'attach bad' : 'attach'}>
            <Icon name={one.state === 'refused' || one.state === 'failed' ? 'alert' : one.state === 'ready' ? 'check' : 'form'} />
            <div>
              <p class="small filename"><bdi>{one.name}</bdi>{one.size ? <span class="soft"> ({fileSize(one.size)})</span> : null}</p>
              <p class="tiny">{stateOf(one)}{one.why ? `. ${one.why}` : ''}</p>
              {one.state === 'sending' && <progress max={1} value={one.part} aria-label={messages.files.progress(one.name)} />}
            </div>
            {one.state === 'failed' && <Button mini look="quiet" onClick={() => files.again(one.id)}>{messages.files.again}<span class="hidden">{messages.files.removeOf(one.name)}</span></Button>}
            <Button mini look="quiet" onClick={() => files.remove(one.id)}>{messages.files.remove}<span class="hidden">{messages.files.removeOf(one.name)}</span></Button>
          </li>
        ))}
      </ul>
      {files.fault && <p class="error" role="alert"><Icon name="alert" /><span>{files.fault}</span></p>}
      <p class="hidden" role="status">{files.items.map((one) => `${one.name}: ${one.state === 'sending' ? shared.loading : stateOf(one)}`).join('. ')}</p>
    </div>
  );
}

/** The button that attaches; the input itself does the work and takes the keyboard. */
export function AttachButton({ files, facts, children }: { files: Attaching; facts: Pick<ComposerFacts, 'files_most'>; children?: ComponentChildren }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <span class="attacher">
      <input
        ref={input} class="filebox" type="file" multiple accept={ACCEPT} aria-label={words.attach}
        onChange={(event) => {
          files.add([...(event.currentTarget.files ?? [])], facts.files_most);
          event.currentTarget.value = '';
        }}
      />
      {children
        ? <Button icon="clip" tabIndex={-1} aria-hidden="true" onClick={() => input.current?.click()}>{children}</Button>
        : <button type="button" class="btn quiet icon" tabIndex={-1} aria-hidden="true" onClick={() => input.current?.click()}><Icon name="clip" /></button>}
    </span>
  );
}

/** What became of the draft and of the last try to send it. */
export function Outcome({ writing }: { writing: Writing }) {
  const { problem, told } = writing;
  const online = useOnline();
  return (
    <>
      {told && <Note tone="info" live>{told}</Note>}
      {problem && <Note tone="bad" live icon={problem.status === 0 ? 'offline' : 'alert'}>{isUnsure(problem) ? (online ? words.unknown : words.offline) : `${words.failed} ${problem.faults[0]?.detail ?? problem.title}`}</Note>}
    </>
  );
}

/** Throws away what is written, and its files; asks first, because nobody can bring it back. */
export function Discard({ writing }: { writing: Writing }) {
  const say = useToast();
  const [asking, setAsking] = useState(false);
  const act = useAct(async () => {
    await writing.discard();
    setAsking(false);
    say(words.discarded);
  });
  if (!writing.text.subject && !writing.text.body && !writing.files.items.length) return null;
  return (
    <>
      <p><Button mini look="quiet" icon="bin" class="flush-x" onClick={() => setAsking(true)}>{words.discard}</Button></p>
      <Dialog
        open={asking} onClose={() => setAsking(false)} title={words.discardTitle}
        actions={<><Button look="danger" busy={act.busy} onClick={() => void act.run()}>{words.discard}</Button><Button onClick={() => setAsking(false)}>{words.keep}</Button></>}
      >
        <p>{words.discardText}</p>
        <ProblemNote problem={act.problem} />
      </Dialog>
    </>
  );
}

interface Props {
  desk: Desk;
  facts: ComposerFacts;
  /** Whom the words go to, as the box says it. */
  to: string;
  onSent: (sent: SentMessage) => void;
  /** The draft turned out to be sent already: the conversation has something new. */
  onArrived: () => void;
  /** Offers "Send and copy to contact log". */
  copy?: string;
  /** Who then reads the words. */
  copyHelp?: string;
  /** It was sent, and noted in the contact log. */
  onCopied?: () => void;
}

export function Composer({ desk, facts, to, onSent, onArrived, copy, copyHelp, onCopied }: Props) {
  const { person } = useSession();
  const writing = useWriting(desk, person.id, onArrived);
  const [fault, setFault] = useState<string | null>(null);
  const id = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const { text, files } = writing;

  // The box grows with what is written, up to a third of the screen.
  useLayoutEffect(() => {
    const area = box.current;
    if (!area) return;
    area.style.setProperty('height', 'auto');
    area.style.setProperty('height', `${Math.min(area.scrollHeight + 2, window.innerHeight / 3)}px`);
  }, [text.body]);
  useEffect(() => { if (fault && text.body.trim()) setFault(null); }, [text.body]);

  const send = async (withCopy: boolean) => {
    const wrong = unready(files) ?? (text.body.trim() || files.ready.length ? null : words.empty);
    setFault(wrong);
    if (wrong) {
      box.current?.focus();
      return;
    }
    const sent = await writing.send(withCopy);
    if (sent) {
      onSent(sent);
      if (withCopy) onCopied?.();
      box.current?.focus({ preventScroll: true });
    }
  };
  const left = facts.most - text.body.length;
  return (
    <form class="stack g2" noValidate onSubmit={(event) => { event.preventDefault(); void send(false); }}>
      <div class="split g2"><Emergencies facts={facts} /><DraftState writing={writing} /></div>
      <Outcome writing={writing} />
      <AttachedFiles files={files} />
      {fault && <FieldError id={`${id}-error`} text={fault} />}
      <div class="composer">
        <AttachButton files={files} facts={facts} />
        <textarea
          ref={box} rows={1} id={id} value={text.body} maxLength={facts.most} aria-label={words.label(to)} placeholder={words.placeholder(to)}
          aria-describedby={fault ? `${id}-error` : undefined} aria-invalid={fault ? 'true' : undefined}
          onInput={(event) => writing.change({ body: event.currentTarget.value })}
          onKeyDown={(event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); void send(false); } }}
        />
        <Button look="primary" class="icon" type="submit" aria-label={writing.problem?.passing ? words.again : words.send} busy={writing.sending}>{writing.sending ? null : <Icon name="send" />}</Button>
      </div>
      {(copy || left < 500) && (
        <div class="split g2">
          {copy ? <Button mini look="quiet" icon="copy" busy={writing.sending} onClick={() => void send(true)}>{copy}</Button> : <span />}
          {copy && copyHelp && left >= 500 ? <span class="tiny soft">{copyHelp}</span> : null}
          {left < 500 && <span class="tiny soft num">{words.left(left)}</span>}
        </div>
      )}
    </form>
  );
}
