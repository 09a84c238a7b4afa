/** The sign of an organization: its logo where it has one, else the portal's own. The name stands beside it. */
import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../ui/index.ts';

const known = new Map<string, Promise<string | null>>();

/** The picture behind a logo's address as a `data:` address; asked for once (it never changes), null when it cannot be had. */
function picture(address: string): Promise<string | null> {
  const asked = known.get(address);
  if (asked) return asked;
  const coming = fetch(`/api${address}`, { credentials: 'omit' })
    .then((answer) => (answer.ok ? answer.json() as Promise<{ media_type: string; base64: string }> : null))
    .then((found) => (found?.media_type === 'image/png' ? `data:image/png;base64,${found.base64}` : null))
    .catch(() => null);
  known.set(address, coming);
  void coming.then((found) => { if (!found) known.delete(address); });
  return coming;
}

export function useLogo(logo: string | null | undefined): string | null {
  const [shown, setShown] = useState<string | null>(null);
  useEffect(() => {
    let wanted = true;
    setShown(null);
    if (logo) void picture(logo).then((found) => { if (wanted) setShown(found); });
    return () => { wanted = false; };
  }, [logo]);
  return shown;
}

/** Whose paper it is: on top of what is printed, in the organization's colour; not shown on a screen. */
export function Letterhead({ tenant }: { tenant: { name: string; logo: string | null; phone: string } }) {
  const shown = useLogo(tenant.logo);
  return <div class="letterhead" aria-hidden="true">{shown && <img src={shown} alt="" />}<span><b>{tenant.name}</b><br />{tenant.phone}</span></div>;
}

export function Mark({ logo }: { logo: string | null | undefined }) {
  const shown = useLogo(logo);
  if (logo && shown) return <img class="logo" src={shown} alt="" />;
  return <span class="mark"><Icon name="sprout" /></span>;
}
