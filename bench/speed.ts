/**
 * How fast the built server is: every figure beside the bare model (the limit) or a Python service (the
 * peer) measured in the same run, in turn. Prints tables and writes `bench/output/speed/results.json`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { busy } from './speed/busy.js';
import { command } from './speed/command.js';
import { Figures } from './speed/figures.js';
import { goalsTable } from './speed/goals.js';
import { growthTable } from './speed/growth.js';
import { OUTPUT } from './speed/inputs.js';
import { load } from './speed/load.js';
import { describeMachine, type Machine, sayMachine } from './speed/machine.js';
import { memory } from './speed/memory.js';
import { type Options, type PartName, readOptions, USAGE } from './speed/options.js';
import { page } from './speed/page.js';
import type { Part } from './speed/part.js';
import { preparePeer } from './speed/peer.js';
import { say } from './speed/progress.js';
import { buildService } from './speed/service.js';
import { starting } from './speed/starting.js';
import { markdown } from './speed/table.js';
import { throughput } from './speed/throughput.js';
import { training } from './speed/training.js';

const PARTS: Record<PartName, Part> = { start: starting, throughput, load, busy, memory, command, training, page };
const RESULTS = join(OUTPUT, 'results.json');

try {
  const options = readOptions(process.argv.slice(2));
  if (options) await measureAll(options);
  else process.stdout.write(USAGE);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

async function measureAll(options: Options): Promise<void> {
  mkdirSync(OUTPUT, { recursive: true });
  preparePeer();
  buildService();
  const machine = describeMachine();
  console.log(`${sayMachine(machine)}\n`);
  const figures = new Figures();
  for (const name of options.parts) {
    await measurePart(name, { options, figures });
    write(machine, options, figures);
  }
  console.log(`${markdown(growthTable(figures))}\n`);
  console.log(markdown(goalsTable(figures)));
  if (figures.all().some(({ subject, failure }) => subject === 'service' && failure !== undefined))
    process.exitCode = 1;
  say(`all figures: ${RESULTS}`);
}

/** A part that fails leaves the others to be measured. */
async function measurePart(name: PartName, context: Parameters<Part['measure']>[0]): Promise<void> {
  try {
    await PARTS[name].measure(context);
  } catch (error) {
    say(`${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = 1;
  }
  for (const table of PARTS[name].tables(context)) console.log(`${markdown(table)}\n`);
}

function write(machine: Machine, options: Options, figures: Figures): void {
  writeFileSync(
    RESULTS,
    JSON.stringify({ machine, options, figures: figures.all(), goals: goalsTable(figures) }, undefined, 1),
  );
}
