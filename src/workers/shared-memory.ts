// Whoever changes a value tells those who wait for it; should that be missed, they look again.
const LONGEST_WAIT_MILLISECONDS = 100;

/** Waits until an entry of shared memory is no longer `value`, or a moment; the thread goes on with other work. */
export async function waitForChange(memory: Int32Array, index: number, value: number): Promise<void> {
  const { async: waits, value: change } = Atomics.waitAsync(memory, index, value, LONGEST_WAIT_MILLISECONDS);
  if (waits) await change;
}
