import type { Epoch } from './autoencoder.js';

/** Writes a line to standard error; standard output belongs to results. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Makes a function that says after each epoch how the fit goes and how long it may still take. */
export function epochReporter(epochs: number): (epoch: Epoch) => void {
  const started = performance.now();
  return ({ epoch, loss, validationLoss }) => {
    const secondsLeft = (((performance.now() - started) / epoch) * (epochs - epoch)) / 1000;
    say(
      `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}` +
        `  loss ${loss.toFixed(5)}  validation loss ${validationLoss.toFixed(5)}` +
        `  at most ${Math.ceil(secondsLeft)} s left`,
    );
  };
}
