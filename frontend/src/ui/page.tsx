/** The title of a page: sets `document.title`, and moves focus to the heading when the route changed. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { shared } from '../strings/shared.ts';

let first = true;
let organization = '';

/** The organization's name follows every page title. */
export function setOrganization(name: string): void {
  organization = name;
}

function setTitle(title: string): void {
  document.title = [title, organization || shared.product].filter(Boolean).join(' – ');
}

interface HeadingProps {
  children: ComponentChildren;
  /** What the browser's tab says, when it is not the heading itself. */
  title?: string;
  /** Moves focus and title again when this changes (a section of a form, a tab). */
  move?: string;
  class?: string;
  id?: string;
}

/** The one `<h1>` of a page. Takes focus when the page came by navigation, not on the first load. */
export function Heading({ children, title, move = '', class: className, id }: HeadingProps) {
  const ref = useRef<HTMLHeadingElement>(null);
  const text = title ?? (typeof children === 'string' ? children : undefined);
  useLayoutEffect(() => {
    setTitle(text ?? ref.current?.textContent ?? '');
  }, [text, move]);
  useLayoutEffect(() => {
    if (first) {
      first = false;
      return;
    }
    ref.current?.focus({ preventScroll: false });
  }, [move]);
  return <h1 ref={ref} id={id} class={className} tabIndex={-1}>{children}</h1>;
}
