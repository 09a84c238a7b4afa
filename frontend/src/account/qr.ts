/** A QR code (ISO/IEC 18004) of a short text: byte mode, error correction level M, versions 1 to 20.
 *
 *     const rows = encode('otpauth://…');   // rows[y][x]: dark?
 *
 * Drawn here so that a secret never leaves the page for a service that draws. */

// Level M: error correction codewords of each block, and how many blocks, by version (table 9 of the standard).
const CHECK = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];
export const LARGEST = CHECK.length;
const LEVEL = 0; // M, as the format information spells it

export type Rows = boolean[][];

/** The code for this text, in the smallest version that holds it. Throws RangeError when none does (666 bytes). */
export function encode(text: string): Rows {
  const bytes = new TextEncoder().encode(text);
  const version = fitting(bytes.length);
  const code = new Code(version);
  code.place(woven(padded(bytes, version), version));
  return code.best();
}

/** Codewords that carry data in this version. */
function capacity(version: number): number {
  return Math.floor(modulesFor(version) / 8) - CHECK[version - 1]! * BLOCKS[version - 1]!;
}

/** Modules that are left when finders, timing, alignment, format and version are drawn. */
function modulesFor(version: number): number {
  const marks = version === 1 ? 0 : Math.floor(version / 7) + 2; // alignment patterns in a row
  const alignment = marks ? (25 * marks - 10) * marks - 55 : 0;
  return (16 * version + 128) * version + 64 - alignment - (version >= 7 ? 36 : 0);
}

function lengthBits(version: number): number {
  return version < 10 ? 8 : 16;
}

function fitting(length: number): number {
  for (let version = 1; version <= LARGEST; version++) {
    if (4 + lengthBits(version) + length * 8 <= capacity(version) * 8) return version;
  }
  throw new RangeError('too long for a QR code');
}

/** Mode, length, the bytes, and the prescribed filling. */
function padded(bytes: Uint8Array, version: number): number[] {
  const bits: number[] = [];
  const put = (value: number, count: number) => {
    for (let bit = count - 1; bit >= 0; bit--) bits.push((value >>> bit) & 1);
  };
  put(0b0100, 4);
  put(bytes.length, lengthBits(version));
  for (const byte of bytes) put(byte, 8);
  const room = capacity(version) * 8;
  put(0, Math.min(4, room - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  for (let filling = 0xec; bits.length < room; filling ^= 0xec ^ 0x11) put(filling, 8);
  return Array.from({ length: bits.length / 8 }, (_, at) => bits.slice(at * 8, at * 8 + 8).reduce((sum, bit) => sum * 2 + bit, 0));
}

/** The blocks with their check words, one codeword of each in turn. */
function woven(data: number[], version: number): number[] {
  const count = BLOCKS[version - 1]!;
  const check = CHECK[version - 1]!;
  const divisor = generator(check);
  const short = Math.floor(data.length / count);
  const longer = data.length % count; // the last blocks hold one more
  const blocks = Array.from({ length: count }, (_, index) => {
    const start = index * short + Math.max(0, index - (count - longer));
    return data.slice(start, start + short + (index >= count - longer ? 1 : 0));
  });
  const checks = blocks.map((block) => remainder(block, divisor));
  const result: number[] = [];
  for (let at = 0; at <= short; at++) for (const block of blocks) if (at < block.length) result.push(block[at]!);
  for (let at = 0; at < check; at++) for (const words of checks) result.push(words[at]!);
  return result;
}

/* ---------- Reed and Solomon, over GF(256) with x^8 + x^4 + x^3 + x^2 + 1 ---------- */
export function times(one: number, other: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) product = (product << 1) ^ ((product >>> 7) * 0x11d) ^ (((other >>> bit) & 1) * one);
  return product;
}

function generator(degree: number): number[] {
  const result = [...new Array<number>(degree - 1).fill(0), 1];
  let root = 1;
  for (let step = 0; step < degree; step++) {
    for (let at = 0; at < degree; at++) result[at] = times(result[at]!, root) ^ (result[at + 1] ?? 0);
    root = times(root, 2);
  }
  return result;
}

function remainder(data: number[], divisor: number[]): number[] {
  const result = divisor.map(() => 0);
  for (const byte of data) {
    const factor = byte ^ result.shift()!;
    result.push(0);
    divisor.forEach((value, at) => (result[at]! ^= times(value, factor)));
  }
  return result;
}

/* ---------- the square ---------- */
const MASKS: ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

class Code {
  readonly version: number;
  readonly size: number;
  readonly dark: Rows;
  readonly fixed: Rows; // drawn by the standard, not by the text

  constructor(version: number) {
    this.version = version;
    this.size = version * 4 + 17;
    const empty = () => Array.from({ length: this.size }, () => new Array<boolean>(this.size).fill(false));
    this.dark = empty();
    this.fixed = empty();
    for (let at = 0; at < this.size; at++) {
      this.set(6, at, at % 2 === 0);
      this.set(at, 6, at % 2 === 0);
    }
    for (const [x, y] of [[3, 3], [this.size - 4, 3], [3, this.size - 4]] as const) this.finder(x, y);
    this.alignments();
    this.format(0);
    this.versions();
  }

  private set(x: number, y: number, dark: boolean): void {
    this.dark[y]![x] = dark;
    this.fixed[y]![x] = true;
  }

  private finder(x: number, y: number): void {
    for (let dy = -4; dy <= 4; dy++) {
      for (let dx = -4; dx <= 4; dx++) {
        const ring = Math.max(Math.abs(dx), Math.abs(dy));
        if (x + dx >= 0 && x + dx < this.size && y + dy >= 0 && y + dy < this.size) this.set(x + dx, y + dy, ring !== 2 && ring !== 4);
      }
    }
  }

  private alignments(): void {
    if (this.version === 1) return;
    const count = Math.floor(this.version / 7) + 2;
    const step = Math.ceil((this.size - 13) / (count * 2 - 2)) * 2;
    const places = [6, ...Array.from({ length: count - 1 }, (_, at) => this.size - 7 - (count - 2 - at) * step)];
    const last = count - 1;
    places.forEach((x, i) => places.forEach((y, j) => {
      if ((i === 0 && (j === 0 || j === last)) || (i === last && j === 0)) return; // a finder stands there
      for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) this.set(x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
    }));
  }

  /** Level and mask, twice, with their own check bits. */
  private format(mask: number): void {
    const data = (LEVEL << 3) | mask;
    let rest = data;
    for (let step = 0; step < 10; step++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
    const bits = ((data << 10) | rest) ^ 0x5412;
    const bit = (at: number) => ((bits >>> at) & 1) === 1;
    for (let at = 0; at <= 5; at++) this.set(8, at, bit(at));
    this.set(8, 7, bit(6));
    this.set(8, 8, bit(7));
    this.set(7, 8, bit(8));
    for (let at = 9; at < 15; at++) this.set(14 - at, 8, bit(at));
    for (let at = 0; at < 8; at++) this.set(this.size - 1 - at, 8, bit(at));
    for (let at = 8; at < 15; at++) this.set(8, this.size - 15 + at, bit(at));
    this.set(8, this.size - 8, true);
  }

  private versions(): void {
    if (this.version < 7) return;
    let rest = this.version;
    for (let step = 0; step < 12; step++) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25);
    const bits = (this.version << 12) | rest;
    for (let at = 0; at < 18; at++) {
      const dark = ((bits >>> at) & 1) === 1;
      const across = this.size - 11 + (at % 3);
      const down = Math.floor(at / 3);
      this.set(across, down, dark);
      this.set(down, across, dark);
    }
  }

  /** The codewords, in the zigzag of two columns at a time from the lower right. */
  place(words: number[]): void {
    let at = 0;
    for (let right = this.size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      for (let step = 0; step < this.size; step++) {
        const y = ((right + 1) & 2) === 0 ? this.size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (this.fixed[y]![x] || at >= words.length * 8) continue;
          this.dark[y]![x] = ((words[at >>> 3]! >>> (7 - (at & 7))) & 1) === 1;
          at += 1;
        }
      }
    }
  }

  /** The mask that is easiest to read (section 7.8.3), applied. */
  best(): Rows {
    let chosen: Rows = this.dark;
    let least = Infinity;
    MASKS.forEach((_, mask) => {
      const rows = this.masked(mask);
      const found = penalty(rows);
      if (found < least) [least, chosen] = [found, rows];
    });
    return chosen;
  }

  private masked(mask: number): Rows {
    this.format(mask);
    return this.dark.map((row, y) => row.map((dark, x) => (this.fixed[y]![x] ? dark : dark !== MASKS[mask]!(x, y))));
  }
}

function penalty(rows: Rows): number {
  const size = rows.length;
  const lines = [...rows, ...rows.map((_, x) => rows.map((row) => row[x]!))].map((line) => line.map((dark) => (dark ? '1' : '0')).join(''));
  let sum = 0;
  for (const line of lines) {
    for (const run of line.match(/0{5,}|1{5,}/g) ?? []) sum += run.length - 2;
    for (const pattern of ['10111010000', '00001011101']) {
      for (let at = line.indexOf(pattern); at >= 0; at = line.indexOf(pattern, at + 1)) sum += 40;
    }
  }
  let dark = 0;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (rows[y]![x]) dark += 1;
      if (x && y && rows[y]![x] === rows[y]![x - 1] && rows[y]![x] === rows[y - 1]![x] && rows[y]![x] === rows[y - 1]![x - 1]) sum += 3;
    }
  }
  return sum + Math.floor(Math.abs(dark * 20 - size * size * 10) / (size * size)) * 10;
}

/** The dark squares as one path of an SVG whose units are modules; the quiet zone of four is around it. */
export function path(rows: Rows): string {
  return rows.map((row, y) => row.map((dark, x) => (dark ? `M${x + 4} ${y + 4}h1v1h-1z` : '')).join('')).join('');
}
