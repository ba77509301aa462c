import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type Visit, startBrowser, visit } from '../support/browser.js';
import { type Service, startService } from '../support/service.js';

const ECG = readFileSync('model_creation/data/test.csv', 'utf8').trim().split('\r\n').slice(1);

describe('the chart of the page', function () {
  let browser: Browser | undefined;
  let service: Service;
  let visits: Visit[] = [];

  before(async function () {
    browser = await startBrowser();
    if (!browser) {
      console.log('    no Chromium is installed (CHROMIUM names another): what needs one is skipped');
      this.skip();
    }
    service = await startService();
  });
  after(async () => {
    await browser?.close();
    await service?.stop();
  });
  afterEach(async function () {
    const troubles = visits.flatMap((each) => each.troubles);
    await Promise.all(visits.map(({ page }) => page.context().close()));
    visits = [];
    if (this.currentTest?.state === 'passed') expect(troubles, 'errors in the page').to.deep.equal([]);
  });

  /** The page with a CSV of one column, `value`, or of what comes before it too. */
  async function show(rows: (string | number)[], options: BrowserContextOptions = {}, header = 'value'): Promise<Page> {
    const opened = await visit(browser as Browser, `${service.url}/`, options);
    visits.push(opened);
    const { page } = opened;
    await page.waitForSelector('#model:not(:empty)');
    const buffer = Buffer.from(`${header}\n${rows.join('\n')}\n`);
    await page.setInputFiles('#file', { name: 'series.csv', mimeType: 'text/csv', buffer });
    await page.waitForSelector('#result:not([hidden])');
    await page.waitForFunction(() => !document.querySelector('#counts')?.textContent?.includes('…'));
    return page;
  }

  /** How many pixels of a panel have a colour, a little more or less. */
  async function pixels(page: Page, panel: number, [red, green, blue]: readonly number[]): Promise<number> {
    await page.waitForTimeout(200);
    return page.evaluate(
      ({ panel, red, green, blue }) => {
        const canvas = document.querySelectorAll<HTMLCanvasElement>('#chart canvas')[panel];
        const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
        let count = 0;
        for (let i = 0; i < data.length; i += 4) {
          const off = Math.abs(data[i] - red) + Math.abs(data[i + 1] - green) + Math.abs(data[i + 2] - blue);
          if (data[i + 3] > 100 && off < 12) count += 1;
        }
        return count;
      },
      { panel, red, green, blue },
    );
  }

  const SCORE_PANEL = 1;
  const THRESHOLD = [192, 50, 47];

  it('writes large values whole, and keeps panels, their heads and the strip in line', async () => {
    const page = await show(Array.from({ length: 1000 }, (_, i) => 1e9 + 5 * Math.sin(i / 20)));
    await page.hover('.u-over >> nth=0');
    expect(await page.textContent('.key-series .value')).to.match(/^(999,999,99\d|1,000,000,00\d)(\.\d+)?$/);
    await page.waitForTimeout(200);
    const lefts = await page.evaluate(() => {
      const insides = [...document.querySelectorAll('.u-over, .overview')];
      const heads = [...document.querySelectorAll('.panel-head .key:first-child')];
      return [...insides, ...heads].map((element) => Math.round(element.getBoundingClientRect().left));
    });
    const chart = await page.locator('#chart').boundingBox();
    expect(lefts[0] - (chart?.x ?? 0)).to.be.above(80);
    // The strip has an edge.
    for (const left of lefts) expect(left - lefts[0]).to.be.within(0, 1);
  });

  it('shows the threshold wherever it goes', async () => {
    const page = await show(ECG.slice(0, 3000));
    expect(await pixels(page, SCORE_PANEL, THRESHOLD)).to.be.above(300);
    await page.fill('#margin', '5000');
    expect(await pixels(page, SCORE_PANEL, THRESHOLD)).to.be.above(300);
  });

  it('shows where values are missing and where time passed, and has keys for what there is', async () => {
    const keys = (page: Page) => page.locator('.panel >> nth=0 >> .key').allTextContents();
    const whole = await show(ECG.slice(0, 1000));
    expect(await keys(whole)).to.deep.equal(['value', 'expected', 'flagged']);
    const rows = ECG.slice(0, 1000).map((value, i) => {
      const time = new Date(Date.UTC(2024, 2, 1) + (i + (i >= 700 ? 50 : 0)) * 60_000).toISOString();
      return `${time},${i >= 300 && i < 400 ? '' : value}`;
    });
    const holed = await show(rows, {}, 'time,value');
    expect(await keys(holed)).to.deep.equal(['value', 'expected', 'flagged', 'missing', 'gap']);
    // A tenth of the series is hatched; before the gap stands a dotted line.
    const shadeAt = (share: number) =>
      holed.evaluate((at) => {
        const canvas = document.querySelector<HTMLCanvasElement>('#chart canvas');
        const left = document.querySelector<HTMLElement>('.u-over')?.offsetLeft ?? 0;
        const width = document.querySelector<HTMLElement>('.u-over')?.offsetWidth ?? 0;
        const columns = canvas?.getContext('2d')?.getImageData(left + Math.floor(width * at) - 1, 12, 3, 60);
        return [...(columns?.data ?? [])].filter((value, i) => i % 4 === 3 && value > 0).length;
      }, share);
    const [plain, missing, gap] = [await shadeAt(0.55), await shadeAt(0.35), await shadeAt(699.5 / 999)];
    expect(missing).to.equal(180);
    expect(gap).to.be.within(plain + 15, 170);
  });
});
