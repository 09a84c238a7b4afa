/** Fetching a file through a short-lived link. */

/** Hands a short-lived link to the browser; the page itself stays. The name is the answer's own. */
export function fetchLink(url: string, title = ''): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = title; // also tells the router that this is not a page of ours
  link.rel = 'noopener';
  document.body.append(link);
  link.click();
  link.remove();
}
