/** What was typed as six digits, spaces apart; null when it is something else. */
export function digits(code: string): string | null {
  const plain = code.replace(/\s/g, '');
  return /^\d{6}$/.test(plain) ? plain : null;
}
