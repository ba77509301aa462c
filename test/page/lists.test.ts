import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { findBarriers } from '../support/browser.js';
import { meanModelBytes } from '../support/models.js';
import { type Service, startService } from '../support/service.js';
import { PHONE, csvFile, visitPages } from '../support/visits.js';

/** A series with so many peaks, each lower than the one before. */
function peaks(n: number) {
  const values = Array.from({ length: 20 * n }, (_, i) => (i % 20 === 10 ? 1e6 - 100 * i : 0));
  return csvFile('peaks.csv', `value\n${values.join('\n')}\n`);
}

describe('the lists of the page', () => {
  const visit = visitPages();
  let service: Service;

  before(async () => {
    const one = meanModelBytes([{ mean: 0, scale: 100 }]);
    const eight = meanModelBytes(Array.from({ length: 8 }, () => ({ mean: 0, scale: 100 })));
    service = await startService({ 'one/1': one, 'eight/1': eight }, { DEFAULT_MODEL: 'one' });
  });
  after(async () => service?.stop());

  async function open(csv: ReturnType<typeof csvFile>): Promise<Page> {
    const { page } = await visit(`${service.url}/`);
    await page.setInputFiles('#file', csv);
    await page.waitForSelector('#result:not([hidden])');
    return page;
  }

  const rows = (page: Page) => page.locator('#intervals tr').count();
  const note = (page: Page) => page.textContent('#intervals-note');

  it('have the chosen interval in view, however far down the list it stands, and leave the page where it is', async () => {
    const page = await open(peaks(250));
    expect(await rows(page)).to.equal(100);
    await page.focus('#chart');
    const before = await page.evaluate(() => scrollY);
    await page.keyboard.press('p');
    const current = page.locator('#intervals tr[aria-current=true]');
    await current.waitFor();
    expect(await current.locator('th').textContent()).to.include('4,9');
    expect(await rows(page)).to.equal(101);
    const isInView = () =>
      page.evaluate(() => {
        const row = document.querySelector('#intervals [aria-current]')?.getBoundingClientRect();
        const scroller = document.querySelector('#intervals-scroll')?.getBoundingClientRect();
        const head = document.querySelector('.intervals thead')?.getBoundingClientRect();
        return row && scroller && head && row.top >= head.bottom - 1 && row.bottom <= scroller.bottom + 1;
      });
    expect(await isInView()).to.equal(true);
    expect(await page.evaluate(() => scrollY)).to.equal(before);
    await page.selectOption('#order', 'start');
    expect(await isInView()).to.equal(true);
  });

  it('show a hundred intervals more, until all are there', async () => {
    const page = await open(peaks(250));
    expect(await note(page)).to.equal('And 150 more intervals: the chart shows all.');
    const more = page.locator('#more-intervals');
    expect(await more.textContent()).to.equal('Show 100 more');
    await more.click();
    expect([await rows(page), await note(page)]).to.deep.equal([200, 'And 50 more intervals: the chart shows all.']);
    const focused = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('#intervals tr')].findIndex((row) => row.contains(document.activeElement)),
      );
    expect(await focused()).to.equal(100);
    expect(await more.textContent()).to.equal('Show 50 more');
    await more.press('Enter');
    expect([await rows(page), await note(page), await focused()]).to.deep.equal([250, '', 200]);
    expect(await more.isVisible()).to.equal(false);
    await page.setInputFiles('#file', { ...peaks(250), name: 'again.csv' });
    await page.waitForFunction(() => document.querySelector('#file-name')?.textContent === 'again.csv');
    expect(await rows(page)).to.equal(100);
  });

  it('blame no column where there is only one, though nothing is flagged', async () => {
    const page = await open(peaks(2));
    await page.fill('#margin', '1e30');
    await page.waitForFunction(() => document.querySelector('#intervals')?.childElementCount === 0);
    expect(await note(page)).to.equal('No interval is flagged.');
    expect(await page.isVisible('.intervals th.blame')).to.equal(false);
  });

  it('put warnings of one kind together, so that they do not fill the page', async () => {
    const { page } = await visit(`${service.url}/`, PHONE);
    await page.selectOption('#model-choice', 'eight/1');
    // One column less than all leaves the range of -1e12 to 1e12.
    const row = (value: number) => [0, ...Array<number>(7).fill(value)].join();
    const header = Array.from({ length: 8 }, (_, j) => `c${j}`).join();
    const body = Array.from({ length: 400 }, (_, i) => row(i % 50 === 0 ? 2e12 : 0)).join('\n');
    await page.setInputFiles('#file', csvFile('outside.csv', `${header}\n${body}\n`));
    await page.waitForSelector('#result:not([hidden])');
    const summary = page.locator('#warnings summary');
    expect(await summary.textContent()).to.equal('7 columns leave the range of the training data');
    const message = page.getByText('Column "c3" leaves the range of the training data');
    expect(await message.isVisible()).to.equal(false);
    await summary.click();
    expect(await message.isVisible()).to.equal(true);
    expect(await findBarriers(page)).to.deep.equal([]);
    // Another threshold brings another warning, and closes nothing.
    const before = await page.locator('#warnings').textContent();
    await page.fill('#percentile', '99.999');
    await page.waitForFunction((said) => document.querySelector('#warnings')?.textContent !== said, before);
    expect(await message.isVisible()).to.equal(true);
    expect(await page.textContent('#warnings')).to.include('the percentile 99.999');
  });
});
