import type { Page } from 'playwright-core';
import { startBrowser, visit } from '../../test/support/browser.js';
import type { FigureKey } from './figures.js';
import { makeFile, modelFor } from './inputs.js';
import { type Part, using } from './part.js';
import { say } from './progress.js';
import type { RunningServer } from './server.js';
import { startService } from './service.js';
import { median, ratio } from './statistics.js';
import { figure, times, whole } from './table.js';

const SIZES = [28_000, 1_000_000];
const RUNS = 3;
const PATIENCE_MILLISECONDS = 300_000;

type Motion = 'frame milliseconds' | 'flag milliseconds';

/** How smoothly the page zooms and flags anew, in Chromium without a graphics card. */
export const page: Part = {
  async measure({ options, figures }) {
    const browser = await startBrowser();
    if (!browser) throw new Error('There is no Chromium: CHROMIUM names one.');
    const model = await modelFor(1);
    await using([() => startService(model)], async ({ url }: RunningServer) => {
      for (let run = 0; run < (options.runs ?? RUNS); run++) {
        for (const points of SIZES) {
          say(`page: ${points} points, round ${run + 1}`);
          const opened = await visit(browser, `${url}/`);
          const { frames, flags } = await measureMotion(opened.page, makeFile(points, 1));
          figures.record(keyOf(points, 'frame milliseconds'), median(frames) ?? NaN);
          figures.record(keyOf(points, 'flag milliseconds'), median(flags) ?? NaN);
          await opened.page.context().close();
        }
      }
    }).finally(() => browser.close());
  },
  tables: ({ figures }) => {
    const at = (points: number, metric: Motion) => figures.median(keyOf(points, metric));
    const row = (what: string, metric: Motion) => {
      const [few, many] = SIZES.map((points) => at(points, metric));
      return [what, figure(few), figure(many), times(ratio(many, few))];
    };
    return [
      {
        title: 'The page',
        header: ['what', ...SIZES.map((points) => `${whole(points)} points, ms`), 'ratio'],
        rows: [
          row('from one frame to the next while zooming', 'frame milliseconds'),
          row('from a move of the slider to the frame that shows it', 'flag milliseconds'),
        ],
        note: 'A screen shows a frame every 16.7 ms.',
      },
    ];
  },
};

function keyOf(points: number, metric: Motion): FigureKey {
  return { part: 'page', subject: 'service', metric, points, columns: 1 };
}

async function measureMotion(opened: Page, file: string): Promise<{ frames: number[]; flags: number[] }> {
  opened.setDefaultTimeout(PATIENCE_MILLISECONDS);
  await opened.waitForSelector('#model:not(:empty)');
  await opened.setInputFiles('#file', file);
  await opened.waitForSelector('#result:not([hidden])');
  await opened.waitForFunction(() => !document.querySelector('#counts')?.textContent?.includes('…'));
  return opened.evaluate(moveInPage);
}

/** Runs in the page. */
async function moveInPage(): Promise<{ frames: number[]; flags: number[] }> {
  const area = document.querySelector('.u-over') as HTMLElement;
  const frames: number[] = [];
  let before = await new Promise<number>(requestAnimationFrame);
  for (let i = 0; i < 60; i++) {
    const clientX = area.getBoundingClientRect().left + 300;
    const deltaY = i < 30 ? -90 : 90;
    area.dispatchEvent(new WheelEvent('wheel', { deltaY, clientX, ctrlKey: true, cancelable: true, bubbles: true }));
    const now = await new Promise<number>(requestAnimationFrame);
    frames.push(now - before);
    before = now;
  }
  const slider = document.querySelector('#slider') as HTMLInputElement;
  const flags: number[] = [];
  for (let step = 180; step < 360; step += 12) {
    await new Promise<number>(requestAnimationFrame);
    const started = performance.now();
    slider.value = `${step}`;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    // The frame after this one has been drawn once the next begins.
    await new Promise<number>(requestAnimationFrame);
    await new Promise<number>(requestAnimationFrame);
    flags.push(performance.now() - started);
  }
  return { frames, flags };
}
