const started = performance.now();

/** Says on standard error what is being done. */
export function say(text: string): void {
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stderr.write(`${String(seconds).padStart(5)} s  ${text}\n`);
}
