import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { startBrowser, visit } from '../support/browser.js';
import { type Service, startService } from '../support/service.js';

describe('the API documentation in a browser', function () {
  let service: Service;
  let browser: Browser | undefined;

  before(async function () {
    browser = await startBrowser();
    if (!browser) this.skip();
    service = await startService();
  });
  after(async () => {
    await browser?.close();
    await service?.stop();
  });

  /** Sends what is filled in for an operation. */
  async function tryOut(operation: string, fillIn: (page: Page) => Promise<void>): Promise<string> {
    const { page, requests, troubles } = await visit(browser as Browser, `${service.url}/docs/`);
    const block = page.locator(`#operations-${operation}`);
    await block.locator('.opblock-summary-control').click();
    await block.locator('.try-out__btn').click();
    await fillIn(page);
    await block.locator('.execute').click();
    const answer = await block.locator('.live-responses-table .response').first().textContent();
    expect([troubles, requests.filter((url) => !url.startsWith(service.url))]).to.deep.equal([[], []]);
    await page.context().close();
    return answer ?? '';
  }

  it('sends a CSV with what is filled in already', async () => {
    const answer = await tryOut('Detection-Compute', (page) =>
      page.setInputFiles('input[type=file]', 'model_creation/data/test.csv'),
    );
    expect(answer).to.match(/^200/).and.include('"anomalousPoints": 324');
  });

  it('shows an answer with an entry for each point', async () => {
    const answer = await tryOut('Detection-Compute', async (page) => {
      await page.setInputFiles('input[type=file]', 'model_creation/data/test.csv');
      await page
        .locator('tr', { hasText: /^points/ })
        .locator('select')
        .selectOption('true');
    });
    expect(answer).to.match(/^200/).and.include('"isAnomaly": [');
  });

  for (const [what, operation] of [
    ['a tensor', 'Infer'],
    ['a tensor to a version', 'InferVersion'],
    ['a question about a model', 'Model'],
  ]) {
    it(`sends ${what} as it is filled in`, async () => {
      const answer = await tryOut(`Open_Inference_Protocol-${operation}`, () => Promise.resolve());
      expect(answer).to.match(/^200/).and.include('ecg');
    });
  }
});
