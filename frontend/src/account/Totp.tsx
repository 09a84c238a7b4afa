/** An authenticator app: the QR code, the key as text, and the field for the first code; and the recovery codes after it.
 *
 *     <Totp secret={secret} uri={uri} code={code} onCode={setCode} error={fault} />
 *
 * Knows nothing of where the secret comes from or where the code goes: the account page and an invitation of a staff
 * member show the same. */
import { useMemo } from 'preact/hooks';
import { shared } from '../strings/shared.ts';
import { Button, TextField, useToast } from '../ui/index.ts';
import { encode, path } from './qr.ts';

export { digits } from './digits.ts';

const words = shared.totp;

export interface TotpProps {
  /** The secret in base32. */
  secret: string;
  /** The otpauth:// address that the QR code holds. */
  uri: string;
  code: string;
  onCode: (code: string) => void;
  error?: string | null;
  /** The id of the code field; error summaries link to it. */
  id?: string;
}

export function Totp({ secret, uri, code, onCode, error, id }: TotpProps) {
  return (
    <div class="stack g4">
      <p>{words.scan}</p>
      <QrCode text={uri} />
      <div class="stack g2 small">
        <p class="soft">{words.byHand}</p>
        <p><code class="code secret" aria-label={words.key}>{secret.match(/.{1,4}/g)?.join(' ')}</code></p>
        <p><a href={uri}>{words.open}</a></p>
        <p class="tiny soft">{words.apps}</p>
      </div>
      <TextField id={id} label={words.code} help={words.codeHelp} name="code" autocomplete="one-time-code" inputMode="numeric" maxLength={7} short required value={code} error={error} onInput={onCode} />
    </div>
  );
}

/** Black on white whatever the colours of the page are: cameras expect that. */
function QrCode({ text }: { text: string }) {
  const rows = useMemo(() => encode(text), [text]);
  const size = rows.length + 8;
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={words.picture} shape-rendering="crispEdges">
      <rect width={size} height={size} class="qr-light" />
      <path d={path(rows)} class="qr-dark" />
    </svg>
  );
}

/** The codes, shown once, with ways to keep them. */
export function RecoveryCodes({ codes, organization }: { codes: string[]; organization: string }) {
  const say = useToast();
  const text = words.file(organization, codes.join('\n'));
  const download = () => {
    const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    const link = Object.assign(document.createElement('a'), { href: address, download: words.fileName });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  };
  const copy = async () => {
    await navigator.clipboard.writeText(codes.join('\n'));
    say(words.copied);
  };
  return (
    <div class="stack g4">
      <p>{words.codesLead}</p>
      <ul class="codes" aria-label={words.codesTitle}>{codes.map((code) => <li key={code}><code class="code">{code}</code></li>)}</ul>
      <p class="small soft">{words.codesKeep}</p>
      <div class="cluster g2 noprint">
        <Button icon="download" onClick={download}>{words.download}</Button>
        <Button icon="print" onClick={() => print()}>{words.print}</Button>
        {navigator.clipboard ? <Button icon="copy" onClick={() => void copy()}>{words.copy}</Button> : null}
      </div>
    </div>
  );
}
