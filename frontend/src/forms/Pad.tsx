/** The field to draw a signature in. The drawing library is loaded only when this is shown. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type SignaturePad from 'signature_pad';
import { client } from '../strings/client.ts';
import type { Strokes } from '../types.ts';
import { Button, FieldError, Icon } from '../ui/index.ts';
import { fit } from './strokes.ts';

const words = client.sign;
type Groups = ReturnType<SignaturePad['toData']>;

interface PadProps {
  id: string;
  /** What was drawn before (switching to Type and back keeps it). */
  groups: Groups;
  error: string | null;
  onDrawn: (groups: Groups, strokes: Strokes) => void;
}

export type { Groups };

export function Pad({ id, groups, error, onDrawn }: PadProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const pad = useRef<SignaturePad | null>(null);
  const [state, setState] = useState<'loading' | 'ready' | 'failed'>('loading');
  const empty = groups.length === 0;
  const tell = useRef(onDrawn);
  tell.current = onDrawn;

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    let gone = false;
    let watcher: ResizeObserver | null = null;
    void import('signature_pad').then(({ default: Made }) => {
      if (gone) return;
      const made = new Made(element, { minWidth: 1, maxWidth: 2.6, penColor: getComputedStyle(element).color });
      pad.current = made;
      const size = () => {
        const ratio = Math.max(1, devicePixelRatio || 1);
        const kept = made.toData();
        element.width = Math.round(element.offsetWidth * ratio);
        element.height = Math.round(element.offsetHeight * ratio);
        element.getContext('2d')?.scale(ratio, ratio);
        made.clear();
        made.fromData(kept);
      };
      made.fromData(groups);
      size();
      made.addEventListener('endStroke', () => tell.current(made.toData(), fit(made.toData().map((group) => group.points))));
      watcher = new ResizeObserver(size);
      watcher.observe(element);
      setState('ready');
    }, () => setState('failed'));
    return () => {
      gone = true;
      watcher?.disconnect();
      pad.current?.off();
    };
  }, []);

  if (state === 'failed') return <p class="note warn"><Icon name="alert" /><span>{words.padFailed}</span></p>;
  return (
    <div class={error ? 'field invalid' : 'field'} role="group" aria-labelledby={`${id}-label`} aria-describedby={`${id}-help`} id={id} tabIndex={-1}>
      <div class="split"><span class="strong" id={`${id}-label`}>{words.drawLabel}</span><Button look="quiet" mini disabled={empty} onClick={() => { pad.current?.clear(); onDrawn([], []); }}>{words.clear}</Button></div>
      {error ? <FieldError id={`${id}-error`} text={error} /> : null}
      <div class="pad"><canvas ref={canvas} role="img" aria-label={empty ? words.drawEmpty : words.drawn} /></div>
      <p class="help" id={`${id}-help`}>{words.drawHelp}</p>
      <p class="hidden" role="status">{empty ? '' : words.drawReady}</p>
    </div>
  );
}
