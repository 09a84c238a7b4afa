/** Services and locations of the organization; administrators change them. */
import { useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { calendar } from '../../strings/calendar.ts';
import { staff } from '../../strings/staff.ts';
import type { Offer, OfferBody } from '../../types.ts';
import { Button, Check, ErrorSummary, Heading, Note, SelectField, TextField, money, useAct, useEdits, useLoad, type Wrong } from '../../ui/index.ts';
import { Failed, Ready, RecordBones } from '../parts.tsx';

const words = calendar.offer;
type Colour = Offer['services'][number]['colour'];

// `row`: which one it is in this editor; its id comes with the first save.
interface Service { row: number; service_id: string | null; name: string; minutes: string; before: string; after: string; price: string; currency: string; colour: Colour; bookable: boolean }
interface Place { row: number; location_id: string | null; name: string; address: string }

const number = (value: number | null) => (value === null ? '' : String(value));

interface Draft { services: Service[]; places: Place[] }

let rows = 0;

function begun(offer: Offer): Draft {
  return {
    services: offer.services.map((one) => ({
      row: ++rows, service_id: one.service_id, name: one.name, minutes: String(one.minutes), before: number(one.before), after: number(one.after), colour: one.colour, bookable: one.bookable,
      price: one.price ? (one.price.amount / 100).toFixed(one.price.amount % 100 ? 2 : 0) : '', currency: one.price?.currency ?? 'usd',
    })),
    places: offer.locations.map((one) => ({ ...one, row: ++rows, address: one.address ?? '' })),
  };
}

/** After a save: all is what it was, each row with its id by now; what was changed meanwhile stays as it is. */
function joined(now: Draft, sent: Draft, saved: Draft): Draft {
  function each<T extends { row: number }>(mine: T[], asked: T[], got: T[], withId: (one: T, from: T) => T): T[] {
    if (mine === asked) return got.map((one, n) => ({ ...one, row: asked[n]!.row }));
    const of = new Map(asked.map((one, n) => [one.row, got[n]!]));
    return mine.map((one) => { const found = of.get(one.row); return found ? withId(one, found) : one; });
  }
  return {
    services: each(now.services, sent.services, saved.services, (one, { service_id }) => ({ ...one, service_id })),
    places: each(now.places, sent.places, saved.places, (one, { location_id }) => ({ ...one, location_id })),
  };
}

export function OfferPage() {
  const administrator = useSession().roles.includes('administrator');
  const loaded = useLoad(() => call(api.GET('/practice/offer')), []);
  return (
    <>
      <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>
      <Ready of={loaded} bones={<RecordBones />} heading={false}>{(offer) => (administrator ? <Editor offer={offer} reload={loaded.reload} put={loaded.put} /> : <Listed offer={offer} />)}</Ready>
    </>
  );
}

/** What is offered, for those who do not change it. */
function Listed({ offer }: { offer: Offer }) {
  return (
    <>
      <Note tone="info" icon="lock">{words.locked}</Note>
      <section class="card flush" aria-labelledby="services">
        <div class="cardhead"><h2 id="services">{words.services}</h2></div>
        {offer.services.length ? (
          <ul class="rows">
            {offer.services.map((one) => (
              <li key={one.service_id} class="offerrow">
                <span class={`strip c-${one.colour}`} aria-hidden="true" />
                <div class="stack g1"><p class="strong">{one.name}</p><p class="small soft">{[words.lasts(one.minutes), ...words.kept(one.before, one.after), ...(one.price ? [money(one.price)] : []), one.bookable ? words.bookable : words.byStaff].join(' · ')}</p></div>
              </li>
            ))}
          </ul>
        ) : <p class="inset soft small">{words.noServices}</p>}
      </section>
      <section class="card flush" aria-labelledby="locations">
        <div class="cardhead"><h2 id="locations">{words.locations}</h2></div>
        {offer.locations.length
          ? <ul class="rows">{offer.locations.map((one) => <li key={one.location_id} class="offerrow"><div class="stack g1"><p class="strong">{one.name}</p>{one.address ? <p class="small soft">{one.address}</p> : null}</div></li>)}</ul>
          : <p class="inset soft small">{words.noLocations}</p>}
      </section>
    </>
  );
}

const whole = (text: string, from: number, to: number) => /^\d{1,3}$/.test(text.trim()) && Number(text) >= from && Number(text) <= to;

function faults(services: Service[], places: Place[]): Wrong[] {
  const found: Wrong[] = [];
  services.forEach((one, n) => {
    if (!one.name.trim()) found.push({ id: `s${n}-name`, text: words.faults.name });
    if (!whole(one.minutes, 5, 480)) found.push({ id: `s${n}-minutes`, text: words.faults.minutes });
    for (const side of ['before', 'after'] as const) if (one[side].trim() && !whole(one[side], 0, 120)) found.push({ id: `s${n}-${side}`, text: words.faults.buffer });
    if (one.price.trim() && !/^\d{1,5}(\.\d{2})?$/.test(one.price.trim())) found.push({ id: `s${n}-price`, text: words.faults.price });
  });
  places.forEach((one, n) => { if (!one.name.trim()) found.push({ id: `l${n}-name`, text: words.faults.name }); });
  return found;
}

function bodyOf(services: Service[], places: Place[]): OfferBody {
  const buffer = (text: string) => (text.trim() ? Number(text) : null);
  return {
    services: services.map((one) => ({
      service_id: one.service_id, name: one.name.trim(), minutes: Number(one.minutes), before: buffer(one.before), after: buffer(one.after), colour: one.colour, bookable: one.bookable,
      price: one.price.trim() ? { amount: Math.round(Number(one.price) * 100), currency: one.currency } : null,
    })),
    locations: places.map((one) => ({ location_id: one.location_id, name: one.name.trim(), address: one.address.trim() || null })),
  };
}

function Editor({ offer, reload, put }: { offer: Offer; reload: () => Promise<void>; put: (next: Offer) => void }) {
  const { draft, change, dirty, saved, take, refuse, stale } = useEdits(offer, begun, { join: joined, onAnew: () => { save.clear(); setTurn(0); } });
  const { services, places } = draft;
  const [turn, setTurn] = useState(0);
  const service = (n: number, next: Partial<Service>) => change({ services: services.map((one, m) => (m === n ? { ...one, ...next } : one)) });
  const place = (n: number, next: Partial<Place>) => change({ places: places.map((one, m) => (m === n ? { ...one, ...next } : one)) });
  const save = useAct(async () => {
    const next = await call(api.PATCH('/practice/offer', { params: { header: { 'If-Match': offer.etag } }, body: bodyOf(services, places) })).catch(refuse);
    if (!next || take(draft, next) === null) return;
    setTurn(0);
    put(next);
  });
  const wrong = turn ? faults(services, places) : [];
  const at = (id: string) => wrong.find((one) => one.id === id)?.text ?? null;
  return (
    <form class="stack g5" noValidate onSubmit={(event) => { event.preventDefault(); setTurn(turn + 1); if (!faults(services, places).length) void save.run(); }}>
      <ErrorSummary wrong={wrong} turn={turn} />
      <fieldset class="stack g5">
        <legend class="hidden">{words.title}</legend>
        <section class="card stack g4" aria-labelledby="services">
          <h2 id="services">{words.services}</h2>
          {services.length ? null : <p class="soft small">{words.noServices}</p>}
          {services.map((one, n) => (
            <fieldset class="stack g3 ruledrow" key={one.row}>
              <legend class="strong">{one.name || words.newService}</legend>
              <div class="fieldgrid">
                <TextField id={`s${n}-name`} label={words.name} value={one.name} maxLength={100} error={at(`s${n}-name`)} onInput={(name) => service(n, { name })} />
                <TextField id={`s${n}-minutes`} label={words.minutes} short inputMode="numeric" value={one.minutes} error={at(`s${n}-minutes`)} onInput={(minutes) => service(n, { minutes })} />
                <TextField id={`s${n}-before`} label={words.before} help={words.buffersHelp} short inputMode="numeric" value={one.before} error={at(`s${n}-before`)} onInput={(before) => service(n, { before })} />
                <TextField id={`s${n}-after`} label={words.after} help={words.buffersHelp} short inputMode="numeric" value={one.after} error={at(`s${n}-after`)} onInput={(after) => service(n, { after })} />
                <TextField id={`s${n}-price`} label={words.price} help={words.priceHelp} short inputMode="decimal" value={one.price} error={at(`s${n}-price`)} onInput={(price) => service(n, { price })} />
                <SelectField id={`s${n}-colour`} label={words.colour} value={one.colour} options={Object.entries(words.colours)} onChange={(colour) => service(n, { colour: colour as Colour })} />
              </div>
              <div class="pickbar"><Check checked={one.bookable} onChange={(bookable) => service(n, { bookable })}>{words.bookable}</Check><Button mini look="quiet" icon="bin" onClick={() => change({ services: services.filter((_, m) => m !== n) })}>{words.remove}<span class="hidden"> {one.name}</span></Button></div>
            </fieldset>
          ))}
          <div><Button mini icon="plus" onClick={() => change({ services: [...services, { row: ++rows, service_id: null, name: '', minutes: '50', before: '', after: '', price: '', currency: 'usd', colour: 'teal', bookable: true }] })}>{words.addService}</Button></div>
        </section>
        <section class="card stack g4" aria-labelledby="locations">
          <h2 id="locations">{words.locations}</h2>
          {places.length ? null : <p class="soft small">{words.noLocations}</p>}
          {places.map((one, n) => (
            <fieldset class="stack g3 ruledrow" key={one.row}>
              <legend class="strong">{one.name || words.newLocation}</legend>
              <div class="fieldgrid">
                <TextField id={`l${n}-name`} label={words.name} value={one.name} maxLength={100} error={at(`l${n}-name`)} onInput={(name) => place(n, { name })} />
                <TextField id={`l${n}-address`} label={words.address} optional value={one.address} maxLength={200} onInput={(address) => place(n, { address })} />
              </div>
              <div><Button mini look="quiet" icon="bin" onClick={() => change({ places: places.filter((_, m) => m !== n) })}>{words.remove}<span class="hidden"> {one.name}</span></Button></div>
            </fieldset>
          ))}
          <div><Button mini icon="plus" onClick={() => change({ places: [...places, { row: ++rows, location_id: null, name: '', address: '' }] })}>{words.addLocation}</Button></div>
        </section>
      </fieldset>
      {stale ? <Note tone="warn" live action={<Button mini onClick={() => void reload()}>{calendar.availability.reload}</Button>}>{words.stale}</Note> : <Failed problem={save.problem} />}
      <div class="cluster g3"><Button type="submit" look="primary" busy={save.busy}>{words.save}</Button><span class="small soft" role="status">{dirty ? staff.unsaved : saved ? words.saved : ''}</span></div>
    </form>
  );
}
