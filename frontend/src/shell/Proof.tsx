/** Asks for the password once more when an answer needs it, then lets the request go again. Nothing typed is lost. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, call, listenForProof } from '../http.ts';
import { useSession } from '../session.tsx';
import { shared } from '../strings/shared.ts';
import { Button, Dialog, Note, PasswordField, TextField, useAct } from '../ui/index.ts';

const words = shared.proof;

export function Proof() {
  const session = useSession();
  const [withCode, setWithCode] = useState(session.kind === 'staff'); // a client's account may have a second factor, too
  const [open, setOpen] = useState(false);
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [failed, setFailed] = useState<string | null>(null);
  const answer = useRef<(given: boolean) => void>(() => {});

  useEffect(() => {
    listenForProof(() => new Promise((resolve) => {
      answer.current(false); // an earlier question that nobody answered
      answer.current = resolve;
      setPassword('');
      setCode('');
      setFailed(null);
      setOpen(true);
    }));
    return () => {
      answer.current(false);
      listenForProof(() => Promise.resolve(false));
    };
  }, []);

  const finish = (given: boolean) => {
    setOpen(false);
    answer.current(given);
    answer.current = () => {};
  };
  const act = useAct(async () => {
    setFailed(null);
    const digits = code.replace(/\s/g, '');
    if (!password || (withCode && !/^\d{6}$/.test(digits))) {
      setFailed(withCode ? words.needBoth : words.need);
      return;
    }
    try {
      await call(api.POST('/session/proof', { body: { password, code: withCode ? digits : null } }));
      finish(true);
    } catch (cause) {
      const problem = asProblem(cause);
      setCode('');
      if (problem.code === 'second_factor_required') {
        setWithCode(true);
        setFailed(words.needBoth);
      } else if (problem.code === 'proof_failed') setFailed(withCode ? words.wrongBoth : words.wrong);
      else if (problem.status === 429) setFailed(words.wait(shared.waitSeconds(problem.retryAfter ?? 60)));
      else setFailed(problem.title);
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    void act.run();
  };

  return (
    <Dialog
      open={open}
      onClose={() => finish(false)}
      title={words.title}
      actions={(
        <>
          <Button look="primary" type="submit" form="proof" busy={act.busy} busyLabel={words.busy}>{words.go}</Button>
          <Button onClick={() => finish(false)}>{shared.cancel}</Button>
        </>
      )}
    >
      <form id="proof" class="stack g4" noValidate onSubmit={submit}>
        <p>{words.body}</p>
        {failed ? <Note tone="bad" live>{failed}</Note> : null}
        <input class="hidden" type="email" name="email" autocomplete="username" value={session.person.email} readOnly tabIndex={-1} aria-hidden="true" />
        <PasswordField label={words.password} name="password" autocomplete="current-password" value={password} onInput={setPassword} />
        {withCode ? <TextField label={words.code} name="code" autocomplete="one-time-code" inputMode="numeric" maxLength={7} short value={code} onInput={setCode} /> : null}
      </form>
    </Dialog>
  );
}
