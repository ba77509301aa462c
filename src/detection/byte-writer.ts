const DIGIT_0 = 48;
const POINT = 46;
const MINUS = 45;
// Within these bounds a float is written without an exponent, and the arithmetic below is exact enough.
const SMALLEST = 1e-6;
const LARGEST = 1e9;
// Fewer digits tell hardly any float from its neighbours, more are never needed.
const FEWEST_DIGITS = 6;
const MOST_DIGITS = 9;
const POWERS_OF_TEN = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));
// Grows to what pieces take, by doubling.
const FIRST_BYTES = 4096;
// More than any number takes.
const NUMBER_BYTES = 32;

/** The shortest decimal number that is read back as the same 32-bit float. */
export function shortestFloat(value: number): number {
  for (let digits = FEWEST_DIGITS; digits < MOST_DIGITS; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === Math.fround(value)) return candidate;
  }
  return Number(Math.fround(value).toPrecision(MOST_DIGITS));
}

/** Writes text and numbers as bytes, without a string for each of them. */
export class ByteWriter {
  private bytes = Buffer.alloc(0);
  private used = 0;

  /** How many bytes were written since the last ones were taken. */
  get length(): number {
    return this.used;
  }

  /** Writes text, as UTF-8. */
  text(text: string): void {
    this.reserve(3 * text.length);
    this.used += this.bytes.write(text, this.used);
  }

  /** Writes text that is ASCII and short, for which a call of its own would cost more than the work. */
  ascii(text: string): void {
    this.reserve(text.length);
    const { bytes, used } = this;
    for (let i = 0; i < text.length; i++) bytes[used + i] = text.charCodeAt(i);
    this.used += text.length;
  }

  /** Copies bytes. */
  copy(source: Uint8Array, from: number, to: number): void {
    this.reserve(to - from);
    const { bytes, used } = this;
    // Rows are short: a loop is faster than set().
    for (let i = from; i < to; i++) bytes[used + i - from] = source[i];
    this.used += to - from;
  }

  /** Writes a double with as few digits as tell it from every other. */
  double(value: number): void {
    this.ascii(String(value));
  }

  /** Writes a 32-bit float with as few digits as tell it from every other, see {@link shortestFloat}. */
  float(value: number): void {
    this.reserve(NUMBER_BYTES);
    if (value < 0) this.bytes[this.used++] = MINUS;
    const size = Math.fround(Math.abs(value));
    if (!(size >= SMALLEST && size < LARGEST)) {
      this.ascii(String(shortestFloat(size)));
      return;
    }
    const exponent = Math.floor(Math.log10(size));
    for (let digits = FEWEST_DIGITS; ; digits++) {
      const decimals = digits - 1 - exponent;
      const mantissa = Math.round(scaled(size, decimals));
      if (digits < MOST_DIGITS && Math.fround(scaled(mantissa, -decimals)) !== size) continue;
      this.decimal(mantissa, decimals);
      return;
    }
  }

  /** Hands over what was written. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.used);
    this.bytes = Buffer.alloc(0);
    this.used = 0;
    return taken;
  }

  /** Writes mantissa / 10^decimals without zeros at its end. */
  private decimal(mantissa: number, decimals: number): void {
    let rest = mantissa;
    let places = decimals;
    for (; places > 0 && rest % 10 === 0; places--) rest /= 10;
    if (places <= 0) {
      this.digits(scaled(rest, -places));
      return;
    }
    const whole = Math.floor(rest / POWERS_OF_TEN[places]);
    this.digits(whole);
    this.bytes[this.used++] = POINT;
    let fraction = rest - whole * POWERS_OF_TEN[places];
    for (let at = this.used + places - 1; at >= this.used; at--) {
      const tens = Math.floor(fraction / 10);
      this.bytes[at] = DIGIT_0 + fraction - 10 * tens;
      fraction = tens;
    }
    this.used += places;
  }

  private digits(whole: number): void {
    let count = 1;
    while (whole >= POWERS_OF_TEN[count]) count += 1;
    let rest = whole;
    for (let at = this.used + count - 1; at >= this.used; at--) {
      const tens = Math.floor(rest / 10);
      this.bytes[at] = DIGIT_0 + rest - 10 * tens;
      rest = tens;
    }
    this.used += count;
  }

  private reserve(bytes: number): void {
    if (this.used + bytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, 2 * this.bytes.length) + bytes);
    larger.set(this.bytes.subarray(0, this.used));
    this.bytes = larger;
  }
}

/** value × 10^power */
function scaled(value: number, power: number): number {
  return power >= 0 ? value * POWERS_OF_TEN[power] : value / POWERS_OF_TEN[-power];
}
