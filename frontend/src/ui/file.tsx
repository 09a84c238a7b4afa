/** Choosing one file: the chosen name stays visible, and on a phone the camera is offered. */
import { useRef } from 'preact/hooks';
import { shared } from '../strings/shared.ts';
import { fileSize } from './format.ts';
import { Button, Field } from './parts.tsx';

interface Props { label: string; help?: string; error?: string | null; id: string; accept: string; file: File | null; onPick: (file: File | null) => void }

/** The button is for fingers and pointers; the input itself does the work and takes the keyboard. */
export function FileField({ label, help, error, id, accept, file, onPick }: Props) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <Field label={label} help={help} error={error} id={id}>
      {(wiring) => (
        <div class="cluster g3">
          <input
            {...wiring} ref={input} class="filebox" type="file" accept={accept}
            onChange={(event) => onPick(event.currentTarget.files?.[0] ?? null)}
          />
          <Button icon="upload" tabIndex={-1} aria-hidden="true" onClick={() => input.current?.click()}>{file ? shared.upload.another : shared.upload.pick}</Button>
          <span class="small soft filename" role="status">{file ? <><bdi>{file.name.replace(/[\p{Cc}\p{Cf}]/gu, '')}</bdi> ({fileSize(file.size)})</> : shared.upload.none}</span>
        </div>
      )}
    </Field>
  );
}
