import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import type { Report } from '../../src/detection/report.js';
import { type Visit, findBarriers } from '../support/browser.js';
import { meanModelBytes } from '../support/models.js';
import { placeModels, type Service, startService } from '../support/service.js';
import { PHONE, csvFile, takeSample, visitPages } from '../support/visits.js';

const ECG = 'model_creation/data/test.csv';
const CURL = '/usr/bin/curl';

function wave(columns: number): string {
  const start = Date.UTC(2024, 4, 1);
  const names = Array.from({ length: columns }, (_, j) => `c${j}`);
  const rows = Array.from({ length: 600 }, (_, i) => {
    const values = names.map((_name, j) => Math.sin(i / (5 + j)) * (i > 300 && i < 320 && j === 1 ? 9 : 1));
    return [new Date(start + i * 60_000).toISOString(), ...values].join();
  });
  return `time,${names.join()}\n${rows.join('\n')}\n`;
}

describe('the page', () => {
  const visit = visitPages();
  let service: Service;
  let several: Service;
  let both: Service;

  before(async () => {
    const scaling = Array.from({ length: 8 }, () => ({ mean: 0, scale: 1 }));
    const eight = meanModelBytes(scaling);
    const flat = meanModelBytes([{ mean: 0, scale: 100 }]);
    const models = { 'ecg/1': readFileSync('model/ecg/1/model.onnx'), 'flat/1': flat, 'flat/2': flat };
    [service, several, both] = await Promise.all([
      startService(),
      startService({ 'eight/1': eight }),
      startService(models, { DEFAULT_MODEL: 'flat', RELOAD_TOKEN: 'token' }),
    ]);
  });
  after(async () => {
    await Promise.all([service?.stop(), several?.stop(), both?.stop()]);
  });

  async function open(options = {}, url = service.url): Promise<Visit> {
    const opened = await visit(`${url}/`, options);
    await opened.page.waitForSelector('#model:not(:empty)');
    return opened;
  }

  async function serverSays(fields: Record<string, string>): Promise<Report> {
    const form = new FormData();
    for (const [name, value] of Object.entries({ points: 'false', ...fields })) form.append(name, value);
    form.append('text', new Blob([readFileSync(ECG)]), 'test.csv');
    return (await (await fetch(`${service.url}/compute`, { method: 'POST', body: form })).json()) as Report;
  }

  /** The numbers of the summary: intervals and points. */
  async function summary(page: Page): Promise<number[]> {
    const text = (await page.textContent('#summary')) ?? '';
    return [...text.replaceAll(',', '').matchAll(/\d+(?= flagged| of)/g)].map(([number]) => Number(number));
  }

  it('shows the sample: what is flagged, by how much, and what speaks against it', async () => {
    const { page } = await open();
    await takeSample(page);
    const { anomalies, anomalousPoints, warnings } = await serverSays({});
    expect(await summary(page)).to.deep.equal([anomalies.length, anomalousPoints]);
    expect(await page.locator('#warnings li').allTextContents()).to.deep.equal(warnings.map(({ message }) => message));
    const rows = await page.locator('#intervals tr').allTextContents();
    expect(rows).to.have.lengthOf(anomalies.length);
    expect(rows[0]).to.match(/^23,731 to 23,951\s*7.272\s*value\s*318.2 below\s*221\s*all normal errors$/);
    expect(await page.locator('#chart canvas').count()).to.equal(3);
  });

  it('lets people choose where there are several models, and shows what is on screen by another', async () => {
    const names = async (page: Page) => page.locator('#model-choice option').allTextContents();
    const { page: alone } = await open();
    expect(await alone.isVisible('#models')).to.equal(false);
    const { page } = await open({}, both.url);
    expect(await names(page)).to.deep.equal(['ecg/1', 'flat/2', 'flat/1']);
    expect(await page.inputValue('#model-choice')).to.equal('flat/2');
    expect(await page.textContent('#model')).to.match(/^Trained on /);
    await takeSample(page);
    expect((await summary(page))[1]).to.not.equal(324);
    await page.selectOption('#model-choice', 'ecg/1');
    await page.waitForFunction(() => document.querySelector('#summary')?.textContent?.includes(' 324 of'));
    await page.waitForSelector('#result:not([hidden])');
    const { anomalies, anomalousPoints } = await serverSays({});
    expect(await summary(page)).to.deep.equal([anomalies.length, anomalousPoints]);
    expect(await page.textContent('#model')).to.include('Trained on 12,000');
    await page.click('#show-curl');
    expect(await page.textContent('#command')).to.include(' -F model=ecg/1 ');
    await page.click('#close-curl');
    expect(await findBarriers(page)).to.deep.equal([]);
  });

  it('goes on with the model before where the one chosen does not come', async () => {
    const { page } = await open({}, both.url);
    await takeSample(page);
    const before = await summary(page);
    await page.fill('#percentile', '101');
    expect(await page.isVisible('#option-error')).to.equal(true);
    const lost = '**/model?model=ecg*';
    await page.route(lost, (route) => route.fulfill({ status: 503, json: { code: 'NOT_READY', message: 'Later.' } }));
    await page.selectOption('#model-choice', 'ecg/1');
    await page.waitForSelector('#error:not([hidden])');
    expect(await page.inputValue('#model-choice')).to.equal('flat/2');
    expect(await summary(page)).to.deep.equal(before);
    await page.unroute(lost);
    await page.selectOption('#model-choice', 'ecg/1');
    await page.waitForFunction(() => document.querySelector('#summary')?.textContent?.includes(' 324 of'));
    for (const trouble of ['#error', '#option-error']) expect(await page.isVisible(trouble)).to.equal(false);
    expect(await page.locator('[aria-invalid]').count()).to.equal(0);
  });

  it('shows what was opened last, though what was opened before it comes later', async () => {
    const { page } = await open();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/sample.csv', async (route) => {
      await held;
      await route.continue();
    });
    await page.click('#sample');
    const givenUp = page.waitForEvent('requestfailed');
    const csv = readFileSync(ECG, 'utf8').split('\r\n').slice(0, 1000).join('\n');
    await page.setInputFiles('#file', { name: 'mine.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
    await page.waitForSelector('#result:not([hidden])');
    expect((await givenUp).url()).to.match(/sample\.csv$/);
    release();
    await page.waitForTimeout(500);
    expect(await page.textContent('#file-name')).to.equal('mine.csv');
    expect(await page.isVisible('#progress')).to.equal(false);
  });

  it('offers the sample to models that read it', async () => {
    const [{ page: fitting }, { page: other }] = [await open(), await open({}, several.url)];
    expect([await fitting.isVisible('#sample'), await other.isVisible('#sample')]).to.deep.equal([true, false]);
  });

  it('judges by the model that the service has, though that changed while the page was open', async () => {
    const { page } = await open({}, both.url);
    placeModels(both.folder, { 'flat/2': meanModelBytes([{ mean: 50, scale: 100 }]) });
    const headers = { Authorization: 'Bearer token' };
    expect((await fetch(`${both.url}/models/reload`, { method: 'POST', headers })).status).to.equal(200);
    await takeSample(page);
    const form = new FormData();
    form.append('text', new Blob([readFileSync(ECG)]), 'test.csv');
    const answer = (await (await fetch(`${both.url}/compute`, { method: 'POST', body: form })).json()) as Report;
    expect(await summary(page)).to.deep.equal([answer.anomalies.length, answer.anomalousPoints]);
  });

  it('re-flags at once as the percentile changes, as the server would, and asks nobody', async () => {
    const { page, requests } = await open();
    await takeSample(page);
    const before = requests.length;
    const slider = page.locator('#slider');
    for (const step of ['20', '90', '180', '271', '361']) {
      await slider.fill(step);
      const percentile = await page.inputValue('#percentile');
      const { anomalies, anomalousPoints } = await serverSays({ percentile });
      expect(await summary(page), percentile).to.deep.equal([anomalies.length, anomalousPoints]);
      expect(await slider.getAttribute('aria-valuetext')).to.include(`${percentile}: `);
    }
    expect(requests).to.have.lengthOf(before);
  });

  it('takes no margin by itself where the errors of the series itself are the reference', async () => {
    const { page } = await open();
    await takeSample(page);
    await page.click('summary');
    await page.selectOption('#reference', 'request');
    const { anomalies, anomalousPoints, margin } = await serverSays({ reference: 'request' });
    expect([await page.inputValue('#margin'), margin]).to.deep.equal(['1', 1]);
    expect(await summary(page)).to.deep.equal([anomalies.length, anomalousPoints]);
    expect(anomalousPoints).to.equal(28);
    await page.selectOption('#reference', 'training');
    expect(await page.inputValue('#margin')).to.equal('1.5');
    await page.fill('#margin', '2');
    await page.selectOption('#reference', 'request');
    expect(await page.inputValue('#margin')).to.equal('2');
  });

  it('says what other percentiles would flag, and takes one of them', async () => {
    const { page } = await open();
    await takeSample(page);
    const row = page.locator('#counts tr[data-percentile="95"]');
    const { anomalies, anomalousPoints } = await serverSays({ percentile: '95' });
    expect(await row.locator('td').allTextContents()).to.deep.equal([`${anomalousPoints}`, `${anomalies.length}`]);
    await row.locator('button').click();
    expect(await summary(page)).to.deep.equal([anomalies.length, anomalousPoints]);
    expect(await row.locator('button').getAttribute('aria-current')).to.equal('true');
    expect(await row.getByRole('button', { name: 'Percentile 95' }).count()).to.equal(1);
  });

  it('has all other options of the service, and names what is wrong with one', async () => {
    const { page } = await open();
    await takeSample(page);
    await page.click('summary');
    const options = { percentile: '90', margin: '1', detectionDirection: 'below', minDeviation: '60', mergeGap: '50' };
    for (const [name, value] of Object.entries(options)) {
      const control = page.locator(`[name=${name}]`);
      if (name === 'detectionDirection') await control.selectOption(value);
      else await control.fill(value);
    }
    const { anomalies, anomalousPoints } = await serverSays(options);
    expect(await summary(page)).to.deep.equal([anomalies.length, anomalousPoints]);
    await page.fill('#margin', '0.5');
    expect(await page.textContent('#option-error')).to.equal('Margin: expected a number of at least 1, got "0.5".');
    expect(await page.getAttribute('#margin', 'aria-invalid')).to.equal('true');
    expect(await findBarriers(page)).to.deep.equal([]);
    await page.click('#defaults');
    expect(await page.isHidden('#option-error')).to.equal(true);
    expect(await summary(page)).to.deep.equal([2, 324]);
  });

  it('leads from the list to the place in the chart', async () => {
    const { page } = await open();
    await takeSample(page);
    await page.click('#intervals tr:nth-child(2) button');
    await page.waitForFunction(() => document.querySelector('#range')?.textContent === 'Points 3,309 to 3,819');
    expect(await page.locator('#intervals tr[aria-current=true]').textContent()).to.include('3,513 to 3,615');
    await page.selectOption('#order', 'start');
    expect(await page.locator('#intervals th').first().textContent()).to.equal('3,513 to 3,615');
  });

  it('zooms and moves by wheel, by mouse and by its buttons', async () => {
    const { page } = await open();
    await takeSample(page);
    const area = await page.locator('.u-over').first().boundingBox();
    if (!area) throw new Error('no chart');
    const moveTo = (share: number, steps = 1) => page.mouse.move(area.x + area.width * share, area.y + 40, { steps });
    const span = async () => {
      // While the mouse is in the chart, it is the point beneath it that is told.
      await page.mouse.move(0, 0);
      await page.waitForTimeout(50);
      const [from, to] = ((await page.textContent('#range')) ?? '').replaceAll(',', '').match(/\d+/g) ?? [];
      return [Number(from), Number(to)];
    };
    const turn = async (share: number, x: number, y: number) => {
      await moveTo(share);
      await page.mouse.wheel(x, y);
      return span();
    };
    await page.focus('#chart');
    const zoomed = await turn(0.5, 0, -500);
    expect(zoomed[0]).to.be.within(7000, 7600);
    expect(zoomed[1]).to.be.within(20_400, 21_000);
    expect((await turn(0.5, 300, 0))[0]).to.be.above(zoomed[0] + 1000);
    await page.dblclick('.u-over >> nth=0');
    expect(await span()).to.deep.equal([0, 27_999]);
    await moveTo(0.25);
    await page.mouse.down();
    await moveTo(0.5, 4);
    await page.mouse.up();
    const dragged = await span();
    expect(dragged[0]).to.be.within(6900, 7100);
    expect(dragged[1]).to.be.within(13_900, 14_100);
    await moveTo(0.5);
    await page.keyboard.down('Shift');
    await page.mouse.down();
    await moveTo(0.25, 4);
    await page.mouse.up();
    await page.keyboard.up('Shift');
    expect((await span())[0]).to.be.within(8600, 8900);
    await page.click('#all');
    expect(await span()).to.deep.equal([0, 27_999]);
    await page.click('#next');
    expect(await span()).to.deep.equal([3309, 3819]);
  });

  it('is worked by the keyboard alone, and tells where it leads', async () => {
    const { page } = await open();
    const focus = () => page.evaluate(() => document.activeElement?.id);
    for (const expected of ['', '', 'file', 'sample']) {
      await page.keyboard.press('Tab');
      expect(await focus()).to.equal(expected);
    }
    await page.keyboard.press('Enter');
    await page.waitForSelector('#result:not([hidden])');
    await page.waitForFunction(() => document.activeElement?.id === 'file-name');
    await page.focus('#chart');
    await page.keyboard.press('n');
    await page.keyboard.press('n');
    await page.waitForFunction(() =>
      document.querySelector('#spoken')?.textContent?.includes('1 flagged interval: 23,731 to 23,951'),
    );
    const range = await page.textContent('#range');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction((before) => document.querySelector('#range')?.textContent !== before, range);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('0');
    await page.waitForFunction(() => document.querySelector('#range')?.textContent === 'Points 0 to 27,999');
    await page.focus('#slider');
    const before = await summary(page);
    for (let i = 0; i < 5; i++) await page.keyboard.press('PageDown');
    expect((await summary(page))[1]).to.be.above(before[1]);
  });

  it('says plainly what is wrong with a CSV, moves the focus there, and takes the next', async () => {
    const { page } = await open();
    await page.setInputFiles('#file', csvFile('bad.csv', 'value\n1\nabc\n'));
    await page.waitForSelector('#error:not([hidden])');
    const text = await page.textContent('#error');
    expect(text)
      .to.include('bad.csv could not be checked')
      .and.to.include('Row 3, column value: expected a number, got "abc".');
    expect(text).to.include('NOT_A_NUMBER');
    expect(await page.evaluate(() => document.activeElement?.id)).to.equal('error');
    expect(await findBarriers(page)).to.deep.equal([]);
    await page.setInputFiles('#file', ECG);
    await page.waitForSelector('#result:not([hidden])');
    expect(await page.isHidden('#error')).to.equal(true);
    expect(await page.textContent('#file-name')).to.equal('test.csv');
  });

  it('takes a file that is dropped', async () => {
    const { page } = await open();
    const dropped = await page.evaluateHandle(
      (text) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([text], 'dropped.csv'));
        return transfer;
      },
      readFileSync(ECG, 'utf8'),
    );
    await page.dispatchEvent('body', 'dragover', { dataTransfer: dropped });
    expect(await page.isVisible('#drop')).to.equal(true);
    await page.dispatchEvent('body', 'drop', { dataTransfer: dropped });
    await page.waitForSelector('#result:not([hidden])');
    expect(await page.textContent('#file-name')).to.equal('dropped.csv');
    expect(await page.isVisible('#drop')).to.equal(false);
  });

  it('shows how far it is, and can be told to stop', async () => {
    const { page } = await open();
    const rows = readFileSync(ECG, 'utf8').trim().split('\r\n').slice(1).join('\n');
    await page.setInputFiles('#file', csvFile('long.csv', `value\n${Array(20).fill(rows).join('\n')}\n`));
    const underWay = ['The service computes: long.csv', 'Receiving the scores: long.csv'];
    await page.waitForFunction((steps) => steps.includes(document.querySelector('#step')?.textContent ?? ''), underWay);
    await page.click('#cancel');
    expect(await page.isHidden('#progress')).to.equal(true);
    expect(await page.evaluate(() => document.activeElement?.id)).to.equal('file');
    await takeSample(page);
    expect(await page.textContent('#file-name')).to.equal('sample.csv');
  });

  it('gives each column a panel, six at most, and says which is to blame and when, asking once', async () => {
    const { page, requests } = await open({}, several.url);
    await page.setInputFiles('#file', csvFile('eight.csv', wave(8)));
    await page.waitForSelector('#result:not([hidden])');
    await page.fill('#percentile', '100');
    expect(await page.locator('#intervals').textContent()).to.include('c1 ');
    expect(requests.filter((url) => url.endsWith('/compute'))).to.have.lengthOf(1);
    expect(await page.locator('#intervals th').first().textContent()).to.match(
      /^2024-05-01T05:0\d:00.000Z to 2024-05-01T05:/,
    );
    const names = await page.locator('.key-series').allTextContents();
    expect(names).to.have.lengthOf(6).and.to.include('c1');
    expect(await page.textContent('#columns-note')).to.equal('2 columns more: shown are those that are blamed most.');
    expect(await page.textContent('#range')).to.equal('2024-05-01T00:00:00.000Z to 2024-05-01T09:59:00.000Z');
    expect(await findBarriers(page)).to.deep.equal([]);
  });

  it('gives the command for what is on screen, and saves what that command answers', async function () {
    if (!existsSync(CURL)) this.skip();
    const { page } = await open();
    await page.setInputFiles('#file', csvFile(`o'ne; "two", three.csv`, readFileSync(ECG, 'utf8')));
    await page.waitForSelector('#result:not([hidden])');
    await page.fill('#percentile', '97.5');
    await page.click('summary');
    await page.fill('#mergeGap', '20');
    await page.click('#show-curl');
    expect(await findBarriers(page)).to.deep.equal([]);
    expect(await page.textContent('#curl-place')).to.equal('For a POSIX shell, in the folder of the file.');
    for (const format of ['csv', 'json', 'png']) {
      await page.selectOption('#curl-format', format);
      const command = (await page.textContent('#command')) ?? '';
      expect(command).to.include('-F percentile=97.5 -F margin=1.5 -F mergeGap=20').and.not.to.include('missing');
      const [answer, saved] = [runInShell(command), await save(page, format)];
      expect(answer.equals(saved), format).to.equal(true);
      expect(saved.length).to.be.above(300);
    }
  });

  it('gives a command for the sample that needs no file', async function () {
    if (!existsSync(CURL)) this.skip();
    const { page } = await open();
    await takeSample(page);
    await page.click('#show-curl');
    expect(await page.textContent('#curl-place')).to.equal('For a POSIX shell; it downloads the sample.');
    const answer = JSON.parse(runInShell((await page.textContent('#command')) ?? '').toString()) as Report;
    expect(answer).to.include({ length: 28_000, anomalousPoints: 324 });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.click('#copy');
    await page.waitForFunction(() => document.querySelector('#copied')?.textContent === 'Copied.');
    expect(await page.evaluate(() => navigator.clipboard.readText())).to.equal(await page.textContent('#command'));
    await page.keyboard.press('Escape');
    expect(await page.isHidden('#curl')).to.equal(true);
  });

  function runInShell(command: string): Buffer {
    const folder = mkdtempSync(join(tmpdir(), 'ae-ano-curl-'));
    try {
      copyFileSync(ECG, join(folder, `o'ne; "two", three.csv`));
      const output = execFileSync('sh', ['-c', command], {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'ignore'],
        maxBuffer: 1e8,
      });
      return command.includes('-o plot.png') ? readFileSync(join(folder, 'plot.png')) : output;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async function save(page: Page, format: string): Promise<Buffer> {
    await page.click('#close-curl');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click(`[data-format=${format}]`)]);
    expect(download.suggestedFilename()).to.match(/^o.ne; .two., three\.(scored\.csv|verdict\.json|plot\.png)$/);
    const saved = readFileSync(await download.path());
    await page.click('#show-curl');
    return saved;
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`holds no barrier that axe-core knows, ${colorScheme}, before and after a CSV`, async () => {
      const { page } = await open({ colorScheme });
      expect(await findBarriers(page)).to.deep.equal([]);
      await takeSample(page);
      await page.click('summary');
      await page.click('#intervals button >> nth=0');
      expect(await findBarriers(page)).to.deep.equal([]);
    });
  }

  it('fits a phone, and is moved by fingers', async () => {
    const { page } = await open(PHONE);
    await takeSample(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).to.equal(390);
    expect(await findBarriers(page)).to.deep.equal([]);
    await page.locator('#chart').scrollIntoViewIfNeeded();
    const area = await page.locator('.u-over').first().boundingBox();
    if (!area) throw new Error('no chart');
    const session = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...xs: number[]) =>
      session.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: xs.map((x, id) => ({ x: area.x + x, y: area.y + 50, id })),
      });
    await touch('touchStart', 130, 150);
    for (const apart of [20, 40, 60, 80, 100]) await touch('touchMove', 140 - apart, 140 + apart);
    await touch('touchEnd');
    await page.waitForFunction(() => document.querySelector('#range')?.textContent !== 'Points 0 to 27,999');
    const pinched = await page.textContent('#range');
    await touch('touchStart', 200);
    for (const x of [180, 160, 120, 80]) await touch('touchMove', x);
    await touch('touchEnd');
    await page.waitForFunction((before) => document.querySelector('#range')?.textContent !== before, pinched);
  });

  it('asks no other host, and has nothing that its policy forbids', async () => {
    const { page, requests } = await open();
    await takeSample(page);
    await page.mouse.move(500, 400);
    await page.click('#intervals button >> nth=0');
    const hosts = requests.map((request) => new URL(request)).filter(({ protocol }) => protocol.startsWith('http'));
    expect(new Set(hosts.map(({ origin }) => origin))).to.deep.equal(new Set([service.url]));
    expect(hosts.map(({ pathname }) => pathname)).to.include.members(['/', '/model', '/sample.csv', '/compute']);
  });

  it('leaves the documentation its own policy, under which it works', async () => {
    const { page } = await open();
    await page.click('nav a');
    await page.waitForSelector('.opblock');
    expect(await page.title()).to.equal('ae-ano-detection');
  });

  it('draws a few points a pixel at 1,000,000 points as at 28,000, and re-flags them in one step', async () => {
    const { page } = await open();
    await takeSample(page);
    const few = await countLines(page);
    const rows = readFileSync(ECG, 'utf8').trim().split('\r\n').slice(1);
    const million = Array.from({ length: 1_000_000 }, (_, i) => rows[i % rows.length]);
    await page.setInputFiles('#file', csvFile('million.csv', `value\n${million.join('\n')}\n`));
    await page.waitForFunction(() => document.querySelector('#file-name')?.textContent === 'million.csv');
    const many = await countLines(page);
    expect(many.lines).to.be.within(many.width, 2 * few.lines);
    const before = await summary(page);
    const after = await page.evaluate(() => {
      const slider = document.querySelector('#slider') as HTMLInputElement;
      slider.value = '180';
      slider.dispatchEvent(new Event('input', { bubbles: true }));
      return document.querySelector('#summary')?.textContent;
    });
    expect(after).to.equal(await page.textContent('#summary'));
    expect((await summary(page))[1]).to.be.above(before[1]);
  });

  /** How many lines are drawn where all is shown after a little less was, and over how many pixels. */
  async function countLines(page: Page): Promise<{ lines: number; width: number }> {
    await page.click('#in');
    await page.waitForTimeout(500);
    await page.evaluate(() => {
      const counted = { lines: 0 };
      Path2D.prototype.lineTo = () => {
        counted.lines += 1;
      };
      Object.assign(globalThis, { counted });
    });
    await page.click('#all');
    await page.waitForTimeout(500);
    return page.evaluate(() => ({
      ...(globalThis as unknown as { counted: { lines: number } }).counted,
      width: document.querySelector('.u-over')?.clientWidth ?? 0,
    }));
  }

  it('says so where the service is gone', async () => {
    const { page, troubles } = await open();
    await page.context().setOffline(true);
    await page.setInputFiles('#file', ECG);
    await page.waitForSelector('#error:not([hidden])');
    expect(await page.textContent('#error-text')).to.equal('The service does not answer: the connection failed.');
    // That the connection failed is in the console too.
    troubles.length = 0;
  });
});
