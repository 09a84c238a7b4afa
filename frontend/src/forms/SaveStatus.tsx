/** "Saved 2:14 PM": always in sight while a form is filled in. Only trouble is read out, not every save. */
import { client } from '../strings/client.ts';
import { Icon, time, useOnline } from '../ui/index.ts';
import type { SaveState } from './saver.ts';

const words = client.save;

export function SaveStatus({ state }: { state: SaveState }) {
  const online = useOnline();
  const trouble = state.kind === 'waiting' ? (online ? words.waiting : words.offline) : state.kind === 'refused' ? words.refused : '';
  const shown = trouble || (state.kind === 'saving' ? words.saving : state.kind === 'saved' ? words.saved(time(state.at)) : '');
  return (
    <>
      {shown ? (
        <span class={trouble ? 'saved trouble' : 'saved'}>
          {trouble ? <Icon name={state.kind === 'refused' ? 'alert' : 'offline'} /> : state.kind === 'saved' ? <Icon name="check" /> : <span class="spin" aria-hidden="true" />}
          {shown}
        </span>
      ) : null}
      <span class="hidden" role="status">{trouble}</span>
    </>
  );
}
