import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type Visit, findBarriers, startBrowser, visit } from '../support/browser.js';
import { meanModelBytes } from '../support/models.js';
import { type Service, startService } from '../support/service.js';

const ECG = readFileSync('model_creation/data/test.csv', 'utf8').trim().split('\r\n').slice(1);

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

describe('chart and options of the page', function () {
  let browser: Browser | undefined;
  let service: Service;
  let several: Service;
  let visits: Visit[] = [];

  before(async function () {
    browser = await startBrowser();
    if (!browser) {
      console.log('    no Chromium is installed (CHROMIUM names another): what needs one is skipped');
      this.skip();
    }
    const three = meanModelBytes(Array.from({ length: 3 }, () => ({ mean: 0, scale: 1 })));
    [service, several] = await Promise.all([startService(), startService({ 'three/1': three })]);
  });
  after(async () => {
    await browser?.close();
    await Promise.all([service?.stop(), several?.stop()]);
  });
  afterEach(async function () {
    const troubles = visits.flatMap((each) => each.troubles);
    await Promise.all(visits.map(({ page }) => page.context().close()));
    visits = [];
    if (this.currentTest?.state === 'passed') expect(troubles, 'errors in the page').to.deep.equal([]);
  });

  /** The page with a CSV of one column, `value`, or of what comes before it too. */
  async function show(
    rows: (string | number)[],
    options: BrowserContextOptions = {},
    header = 'value',
    url = service.url,
  ): Promise<Page> {
    const opened = await visit(browser as Browser, `${url}/`, options);
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

  it('leaves the wheel to the page until it has the focus, and at either end of its zoom', async () => {
    const page = await show(ECG.slice(0, 3000), { viewport: { width: 1280, height: 500 } });
    await page.evaluate(() => document.querySelector('#chart')?.scrollIntoView({ block: 'center' }));
    const range = () => page.evaluate(() => document.querySelector('#range')?.textContent);
    const all = await range();
    await page.hover('.u-over >> nth=0', { position: { x: 300, y: 40 } });
    const turn = async (delta: number) => {
      const before = await page.evaluate(() => scrollY);
      await page.mouse.wheel(0, delta);
      await page.waitForTimeout(300);
      return (await page.evaluate(() => scrollY)) - before;
    };
    expect(await turn(-60)).to.be.below(0);
    await page.keyboard.down('Control');
    expect(await turn(-60)).to.equal(0);
    await page.keyboard.up('Control');
    await page.mouse.move(0, 0);
    const pinched = await range();
    expect(pinched).to.not.equal(all);
    await page.click('.u-over >> nth=0', { position: { x: 300, y: 40 } });
    expect(await turn(-60)).to.equal(0);
    for (let i = 0; i < 12 && (await page.getAttribute('#in', 'aria-disabled')) === 'false'; i++) await turn(-600);
    expect(await page.getAttribute('#in', 'aria-disabled')).to.equal('true');
    expect(await turn(-60)).to.be.below(0);
  });

  it('says where the cursor is, by mouse and by finger', async () => {
    const rows = ECG.slice(0, 1000);
    const page = await show(rows);
    const area = await page.locator('.u-over').first().boundingBox();
    await page.hover('.u-over >> nth=0', { position: { x: (area?.width ?? 0) / 2, y: 40 } });
    expect(await page.textContent('#range')).to.match(/^Point (49\d|50\d)$/);
    await page.mouse.move(0, 0);
    expect(await page.textContent('#range')).to.equal('Points 0 to 999');
    const times = rows.map((value, i) => `${new Date(Date.UTC(2024, 4, 1) + i * 60_000).toISOString()},${value}`);
    const phone = await show(times, PHONE, 'time,value');
    await phone.locator('.u-over').first().scrollIntoViewIfNeeded();
    await phone
      .locator('.u-over')
      .first()
      .tap({ position: { x: 0, y: 40 } });
    expect(await phone.textContent('#range')).to.match(/^At 2024-05-01T00:0\d:00.000Z$/);
    expect(await phone.textContent('.key-series .value')).to.match(/^-?\d/);
  });

  it('shows epochs as dates, and as they are to those who ask', async () => {
    const page = await show(
      ECG.slice(0, 1000).map((value, i) => `${1_709_287_200 + i * 60},${value}`),
      {},
      'time,value',
    );
    expect(await page.textContent('#range')).to.equal('2024-03-01 10:00:00 to 2024-03-02 02:39:00');
    expect(await page.getAttribute('#range', 'title')).to.equal('1709287200 to 1709347140');
  });

  it('keeps the focus on a button that turns itself off, and takes its keys there', async () => {
    const page = await show(ECG.slice(0, 6000));
    await page.click('#in');
    await page.click('#all');
    expect(await page.evaluate(() => document.activeElement?.id)).to.equal('all');
    expect(await page.getAttribute('#all', 'aria-disabled')).to.equal('true');
    await page.keyboard.press('Shift+N');
    await page.waitForFunction(() => document.querySelector('#range')?.textContent !== 'Points 0 to 5,999');
    await page.keyboard.press('0');
    await page.waitForFunction(() => document.querySelector('#range')?.textContent === 'Points 0 to 5,999');
  });

  it('is told to those who do not see it once it rests, and anew once the verdict changes', async () => {
    const page = await show(ECG.slice(0, 3000));
    const spoken = () => page.textContent('#spoken');
    await page.waitForTimeout(900);
    expect(await spoken()).to.equal(await page.textContent('#summary'));
    await page.click('#in');
    await page.waitForTimeout(900);
    expect(await spoken()).to.match(/^Points 750 to 2,249, \d+ flagged interval/);
    await page.focus('#slider');
    await page.keyboard.press('PageDown');
    await page.waitForTimeout(900);
    // The slider's own words are enough.
    expect(await spoken()).to.equal('');
    await page.fill('#margin', '1.1');
    await page.waitForTimeout(900);
    expect(await spoken()).to.equal(await page.textContent('#summary'));
  });

  it('draws the strip in the colours of now, and does not follow a finger on it twice', async () => {
    const page = await show(ECG.slice(0, 3000), PHONE);
    const strip = () => page.evaluate(() => document.querySelector<HTMLCanvasElement>('.overview')?.toDataURL());
    const light = await strip();
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForTimeout(300);
    expect(await strip()).to.not.equal(light);
    await page.click('#in');
    await page.locator('.overview-frame').scrollIntoViewIfNeeded();
    const area = await page.locator('.overview-frame').boundingBox();
    if (!area) throw new Error('no strip');
    const session = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...shares: number[]) =>
      session.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: shares.map((share) => ({ x: area.x + share * area.width, y: area.y + 20 })),
      });
    await touch('touchStart', 0.5);
    for (const share of [0.55, 0.6, 0.65]) await touch('touchMove', share);
    await touch('touchEnd');
    await page.waitForTimeout(200);
    const [from, to] = ((await page.textContent('#range')) ?? '').replaceAll(',', '').match(/\d+/g) ?? [];
    // The middle of the screen is where the finger was.
    expect((Number(from) + Number(to)) / 2).to.be.closeTo(0.65 * 2999, 30);
  });

  it('has what is wrong with an option beneath its field, and takes a decimal comma', async () => {
    const page = await show(ECG.slice(0, 6000));
    await page.click('summary');
    for (const [name, label] of [
      ['percentile', 'Percentile'],
      ['mergeGap', 'Join intervals closer than'],
    ]) {
      await page.fill(`#${name}`, 'x');
      expect(await page.textContent('#option-error')).to.match(
        new RegExp(`^${label}: expected a number .*, got "x".$`),
      );
      const described = await page.getAttribute(`#${name}`, 'aria-describedby');
      expect(described?.split(' ')).to.include('option-error');
      expect(await page.getAttribute(`#${name}`, 'aria-errormessage')).to.equal('option-error');
      const [field, error] = [
        await page.locator(`#${name}`).boundingBox(),
        await page.locator('#option-error').boundingBox(),
      ];
      if (!field || !error) throw new Error('not to be seen');
      expect(error.y - field.y - field.height).to.be.within(0, 16);
      await page.fill(`#${name}`, '1');
      expect(await page.locator('[aria-errormessage], [aria-describedby~=option-error]').count()).to.equal(0);
    }
    expect(await page.getAttribute('#mergeGap', 'aria-describedby')).to.equal('mergeGap-help');
    await page.fill('#percentile', '99,5');
    expect(await page.isHidden('#option-error')).to.equal(true);
    expect(await page.textContent('#threshold')).to.include('which 99.5 % of the normal errors');
  });

  it('shows which columns are to blame, also on a phone', async () => {
    const rows = Array.from({ length: 600 }, (_, i) => {
      const values = [5, 6, 7].map((period) => Math.sin(i / period) * (i > 300 && i < 320 ? 9 : 1));
      return [new Date(Date.UTC(2024, 4, 1) + i * 60_000).toISOString(), ...values].join();
    });
    for (const options of [PHONE, { viewport: { width: 1440, height: 900 } }]) {
      const page = await show(rows, options, 'time,c0,c1,c2', several.url);
      const cell = page.locator('#intervals .blame').first();
      expect(await cell.textContent()).to.match(/c\d.*c\d.*c\d/);
      const [inner, outer] = [await cell.boundingBox(), await page.locator('.intervals-card .scroll').boundingBox()];
      if (!inner || !outer) throw new Error('not to be seen');
      expect(inner.x + inner.width).to.be.at.most(outer.x + outer.width + 0.5);
      expect(await cell.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).to.equal(0);
      expect(await findBarriers(page)).to.deep.equal([]);
    }
  });

  it('prints all of chart and list, and no controls', async () => {
    const page = await show(ECG.slice(0, 6000), { viewport: { width: 1440, height: 900 } });
    await page.emulateMedia({ media: 'print' });
    // Paper is narrower than the window in which the chart was drawn.
    const [width, height] = await page.evaluate(() => {
      const [panel, canvas, list] = ['.panel', '#chart canvas', '.intervals-card .scroll'].map(
        (selector) => document.querySelector<HTMLElement>(selector) ?? document.body,
      );
      panel.style.width = '500px';
      return [canvas.getBoundingClientRect().width, getComputedStyle(list).maxHeight];
    });
    expect(width).to.be.within(400, 500);
    expect(height).to.equal('none');
    for (const control of ['#all', '#percentile', '#order', '.save-card', '#file + label']) {
      expect(await page.locator(control).isVisible(), control).to.equal(false);
    }
    for (const told of ['#summary', '#range', '#threshold']) expect(await page.isVisible(told), told).to.equal(true);
  });

  it('raises no alarm where nothing is flagged', async () => {
    const page = await show(ECG.slice(0, 6000));
    expect(await page.locator('#summary .alarm').textContent()).to.equal('1 flagged interval');
    await page.fill('#margin', '50');
    expect(await page.textContent('#summary strong')).to.equal('0 flagged intervals');
    expect(await page.locator('#summary .alarm').count()).to.equal(0);
  });
});
