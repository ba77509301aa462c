import { expect } from 'chai';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type Visit, startBrowser, visit } from './browser.js';

/** What a phone's browser is like. */
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

/**
 * Has the tests of a suite visit pages in a browser of their own. Where there is none they are skipped, and
 * what a page did that it should not fails the test that visited it.
 *
 * @returns opens a page for the test that is under way
 */
export function visitPages(): (url: string, options?: BrowserContextOptions) => Promise<Visit> {
  let browser: Browser | undefined;
  let visits: Visit[] = [];
  before(async function () {
    browser = await startBrowser();
    if (browser) return;
    console.log('    no Chromium is installed (CHROMIUM names another): what needs one is skipped');
    this.skip();
  });
  after(async () => browser?.close());
  afterEach(async function () {
    const troubles = visits.flatMap((each) => each.troubles);
    await Promise.all(visits.map(({ page }) => page.context().close()));
    visits = [];
    if (this.currentTest?.state === 'passed') expect(troubles, 'errors in the page').to.deep.equal([]);
  });
  return async (url, options) => {
    const opened = await visit(browser as Browser, url, options);
    visits.push(opened);
    return opened;
  };
}

/** A CSV as people choose it. */
export function csvFile(name: string, text: string) {
  return { name, mimeType: 'text/csv', buffer: Buffer.from(text) };
}

/** Takes the sample, and waits until all that is said of it is said. */
export async function takeSample(page: Page): Promise<void> {
  await page.click('#sample');
  await page.waitForSelector('#result:not([hidden])');
  await page.waitForFunction(() => !document.querySelector('#counts')?.textContent?.includes('…'));
}
