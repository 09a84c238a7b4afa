/** People in two letters or three, where a whole name has no room. */

/** The letters by name: first and last initial; as many more of the first name as tell two people apart. What follows a
 * comma (a licence) is no part of the name. */
export function lettersOf(names: string[]): Map<string, string> {
  const all = [...new Set(names)];
  const short = (name: string, more: number) => {
    const words = name.split(',')[0]!.trim().split(/\s+/u).map((word) => [...word]);
    const [first, last] = [words[0]!, words.length > 1 ? words[words.length - 1]! : []];
    return [first[0]?.toUpperCase(), ...first.slice(1, more), last[0]?.toUpperCase()].join('');
  };
  return new Map(all.map((name) => {
    let more = 1;
    while (more < 4 && all.some((other) => other !== name && short(other, more) === short(name, more))) more += 1;
    return [name, short(name, more)];
  }));
}
