import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { findBarriers } from '../support/browser.js';
import { meanModelBytes } from '../support/models.js';
import { type Service, startService } from '../support/service.js';
import { csvFile, takeSample, visitPages } from '../support/visits.js';

const ECG = 'model_creation/data/test.csv';
const SHORT = csvFile('short.csv', readFileSync(ECG, 'utf8').split('\r\n').slice(0, 1000).join('\n'));

describe('the flow of the page', () => {
  const visit = visitPages();
  let service: Service;
  let both: Service;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ae-ano-flow-'));
    const flat = meanModelBytes([{ mean: 0, scale: 100 }]);
    const models = { 'ecg/1': readFileSync('model/ecg/1/model.onnx'), 'flat/1': flat };
    [service, both] = await Promise.all([startService(), startService(models, { DEFAULT_MODEL: 'flat' })]);
  });
  after(async () => {
    await Promise.all([service?.stop(), both?.stop()]);
    if (folder) rmSync(folder, { recursive: true });
  });

  /** Changes a file later: browsers tell by the second. */
  function edit(path: string): void {
    writeFileSync(path, 'value\n1\n');
    const later = Date.now() / 1000 + 5;
    utimesSync(path, later, later);
  }

  /** The page of a service that has said what it has. */
  async function open({ url } = service) {
    const opened = await visit(`${url}/`);
    await opened.page.waitForSelector('#model:not(:empty)');
    return opened;
  }

  /** Keeps what is asked for until it is let go, or answers an error. */
  async function hold(page: Page, address: string): Promise<(status?: number) => void> {
    let letGo: (status?: number) => void = () => undefined;
    const status = new Promise<number | undefined>((resolve) => (letGo = resolve));
    await page.route(
      address,
      async (route) => {
        const answer = await status;
        // The page may have given up on it.
        await (answer ? route.fulfill({ status: answer }) : route.continue()).catch(() => undefined);
      },
      { times: 1 },
    );
    return letGo;
  }

  /** Opens the page with something held, and does not wait for it. */
  async function openHeld(address: string) {
    const opened = await visit('about:blank');
    const letGo = await hold(opened.page, address);
    await opened.page.goto(`${service.url}/`, { waitUntil: 'commit' });
    await opened.page.waitForSelector('#file', { state: 'attached' });
    return { ...opened, letGo };
  }

  async function nameOnceShown(page: Page): Promise<string | null> {
    await page.waitForSelector('#result:not([hidden])');
    return page.textContent('#file-name');
  }

  async function drop(page: Page, name: string, text: string): Promise<void> {
    const dropped = await page.evaluateHandle(
      ([file, content]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([content], file));
        return transfer;
      },
      [name, text],
    );
    await page.dispatchEvent('body', 'drop', { dataTransfer: dropped });
  }

  it('names the file on screen in its title', async () => {
    const { page } = await open(both);
    expect(await page.title()).to.equal('ae-ano-detection');
    await page.setInputFiles('#file', SHORT);
    await nameOnceShown(page);
    expect(await page.title()).to.equal('short.csv – ae-ano-detection');
  });

  const earlyChoices = {
    chosen: (page: Page) => page.setInputFiles('#file', SHORT),
    dropped: (page: Page) => drop(page, 'short.csv', SHORT.buffer.toString()),
    'the sample': (page: Page) => page.click('#sample'),
  };
  for (const [way, choose] of Object.entries(earlyChoices)) {
    it(`opens what was chosen before the service said which model it has: ${way}`, async () => {
      const { page, letGo } = await openHeld('**/models');
      await page.waitForLoadState();
      await choose(page);
      await page.waitForSelector('#progress');
      letGo();
      expect(await nameOnceShown(page)).to.equal(way === 'the sample' ? 'sample.csv' : 'short.csv');
    });
  }

  it('opens a file that was chosen before its script ran', async () => {
    const { page, letGo } = await openHeld('**/assets/main-*.js');
    await page.setInputFiles('#file', SHORT);
    letGo();
    expect(await nameOnceShown(page)).to.equal('short.csv');
  });

  it('says so where the service cannot be used, and takes up what was chosen once it can', async () => {
    const { page, letGo } = await openHeld('**/models');
    await page.waitForLoadState();
    await page.setInputFiles('#file', SHORT);
    letGo(503);
    await page.waitForSelector('#error:not([hidden])');
    expect(await page.textContent('#error-title')).to.equal('The service cannot be used now');
    expect(await page.textContent('#error-text')).to.include('503');
    for (const id of ['#choose', '#progress']) expect(await page.isVisible(id), id).to.equal(false);
    expect(await findBarriers(page)).to.deep.equal([]);
    await page.click('#retry');
    expect(await nameOnceShown(page)).to.equal('short.csv');
    for (const id of ['#error', '#retry']) expect(await page.isVisible(id), id).to.equal(false);
    expect(await page.isVisible('#choose')).to.equal(true);
  });

  it('can be tried again until there is a connection', async () => {
    const { page, troubles } = await visit('about:blank');
    await page.route('**/models', (route) => route.abort(), { times: 2 });
    await page.goto(`${service.url}/`);
    await page.waitForSelector('#retry:enabled');
    await drop(page, 'short.csv', SHORT.buffer.toString());
    await page.click('#retry');
    await page.waitForSelector('#retry:enabled');
    expect(await page.textContent('#error-text')).to.equal('The service does not answer: the connection failed.');
    await page.click('#retry');
    await page.waitForSelector('#choose:not([hidden])');
    expect(await page.evaluate(() => document.activeElement?.id)).to.equal('file');
    expect(await page.isVisible('#progress'), 'what was dropped where nothing was offered').to.equal(false);
    await takeSample(page);
    // That the connection failed is in the console too.
    troubles.length = 0;
  });

  it('shows that the sample comes, and can be told to stop', async () => {
    const { page } = await open();
    const letGo = await hold(page, '**/sample.csv');
    await page.click('#sample');
    expect(await page.textContent('#step')).to.equal('Fetching the CSV: sample.csv');
    const given = page.waitForEvent('requestfailed');
    await page.click('#cancel');
    await given;
    letGo();
    expect(await page.isVisible('#progress')).to.equal(false);
    await takeSample(page);
    expect(await page.textContent('#file-name')).to.equal('sample.csv');
  });

  it('says how far it is over the page, which does not move, and is told to stop by the keyboard', async () => {
    const { page } = await openShort();
    const letGo = await hold(page, '**/sample.csv');
    const top = () => page.evaluate(() => document.querySelector('#result')?.getBoundingClientRect().top);
    const before = await top();
    await page.focus('#sample');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#cancel:visible');
    expect(await top()).to.equal(before);
    const isOnTop = () =>
      page.evaluate(() => {
        const cancel = document.querySelector('#cancel');
        const { x, y } = cancel?.getBoundingClientRect() ?? { x: -1, y: -1 };
        return document.elementFromPoint(x + 5, y + 5) === cancel;
      });
    expect(await isOnTop()).to.equal(true);
    expect(await findBarriers(page)).to.deep.equal([]);
    const focus = () => page.evaluate(() => document.activeElement?.id);
    for (let i = 0; i < 10 && (await focus()) !== 'cancel'; i++) await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#progress', { state: 'hidden' });
    letGo();
    expect(await page.textContent('#file-name')).to.equal('short.csv');
  });

  it('opens the sample though another model was chosen while it came', async () => {
    const { page } = await open(both);
    const letGo = await hold(page, '**/sample.csv');
    await page.click('#sample');
    await page.selectOption('#model-choice', 'ecg/1');
    letGo();
    expect(await nameOnceShown(page)).to.equal('sample.csv');
    expect(await page.textContent('#summary')).to.include(' 324 of ');
  });

  it('does not come back to what was cancelled', async () => {
    const { page } = await open(both);
    await page.setInputFiles('#file', SHORT);
    await nameOnceShown(page);
    await hold(page, '**/sample.csv');
    await page.click('#sample');
    await page.click('#cancel');
    await page.selectOption('#model-choice', 'ecg/1');
    await page.waitForSelector('#result', { state: 'hidden' });
    expect(await nameOnceShown(page)).to.equal('short.csv');
  });

  it('asks for a file again that has changed since it was chosen', async () => {
    const { page, troubles } = await open(both);
    const path = join(folder, 'mine.csv');
    copyFileSync(ECG, path);
    await page.setInputFiles('#file', path);
    await nameOnceShown(page);
    edit(path);
    await page.selectOption('#model-choice', 'ecg/1');
    await page.waitForSelector('#error:not([hidden])');
    const text = 'The file has changed since it was chosen: choose it again.';
    expect(await page.textContent('#error-text')).to.equal(text);
    // That the file was not sent is in the console too.
    troubles.length = 0;
  });

  const state = (page: Page) => page.textContent('#save-state');
  const settled = (page: Page) => page.waitForSelector('[data-format=csv]:enabled');

  /** The page with a short CSV on screen. */
  async function openShort(of = service) {
    const opened = await open(of);
    await opened.page.setInputFiles('#file', SHORT);
    await nameOnceShown(opened.page);
    return opened;
  }

  it('says that a CSV is saved until something else is on screen, and keeps the focus where it was', async () => {
    const { page } = await openShort();
    await page.focus('[data-format=csv]');
    await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    await settled(page);
    expect(await state(page)).to.equal('Saved.');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('data-format'))).to.equal('csv');
    await page.fill('#percentile', '90');
    expect(await state(page)).to.equal('');
    await Promise.all([page.waitForEvent('download'), page.click('[data-format=csv]')]);
    await settled(page);
    await page.setInputFiles('#file', { ...SHORT, name: 'other.csv' });
    await page.waitForFunction(() => document.querySelector('#file-name')?.textContent === 'other.csv');
    expect(await state(page)).to.equal('');
  });

  it('neither takes the focus nor speaks of the options on screen where others were saved', async () => {
    const { page } = await openShort();
    const letGo = await hold(page, '**/compute');
    await page.click('[data-format=csv]');
    await page.fill('#percentile', '90');
    const download = page.waitForEvent('download');
    letGo();
    await download;
    await settled(page);
    expect(await state(page)).to.equal('');
    expect(await page.evaluate(() => document.activeElement?.id)).to.equal('percentile');
  });

  it('saves nothing that another model says than the one on screen', async () => {
    const { page } = await openShort();
    await page.route('**/model', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ json: { ...((await answer.json()) as object), sha256: 'another' } });
    });
    const downloads: unknown[] = [];
    page.on('download', (download) => downloads.push(download));
    await page.click('[data-format=csv]');
    await settled(page);
    expect(await state(page)).to.equal(
      'Not saved: the service has taken up another model since this CSV was scored. Open it again.',
    );
    expect(downloads).to.deep.equal([]);
  });

  it('says why something was not saved, though the answer has no word of it, or the file has changed', async () => {
    const { page, troubles } = await openShort();
    const answers = {
      'The service answered 502 without a word about what is wrong.': { status: 502, json: { error: 'gateway' } },
      'Busy.': { status: 503, json: { message: 'Busy.' } },
    };
    for (const [said, answer] of Object.entries(answers)) {
      await page.route('**/compute', (route) => route.fulfill(answer), { times: 1 });
      await page.click('[data-format=csv]');
      await settled(page);
      expect(await state(page)).to.equal(said);
    }
    const path = join(folder, 'edited.csv');
    copyFileSync(ECG, path);
    await page.setInputFiles('#file', path);
    await page.waitForFunction(() => document.querySelector('#file-name')?.textContent === 'edited.csv');
    edit(path);
    await page.click('[data-format=csv]');
    await settled(page);
    expect(await state(page)).to.equal('The file has changed since it was chosen: choose it again.');
    // That the file was not sent is in the console too.
    troubles.length = 0;
  });

  it('says that the connection failed where it is cut while an answer comes', async () => {
    const cutting = createServer((_request, response) => {
      response.writeHead(200, { 'Content-Length': '1000' });
      response.write('start');
      setTimeout(() => response.destroy(), 200);
    });
    await new Promise<void>((resolve) => cutting.listen(0, '127.0.0.1', resolve));
    const { page, troubles } = await openShort();
    const { port } = cutting.address() as AddressInfo;
    await page.context().route('**/compute', (route) => route.continue({ url: `http://127.0.0.1:${port}/` }));
    await page.click('[data-format=csv]');
    await settled(page);
    cutting.close();
    expect(await state(page)).to.equal('The service does not answer: the connection failed.');
    troubles.length = 0;
  });
});
