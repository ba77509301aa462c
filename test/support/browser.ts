import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type axe from 'axe-core';
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Where Chromium is installed, if it is. */
const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path && existsSync(path),
);

/** Starts Chromium without a window; undefined where it is not installed. */
export async function startBrowser(): Promise<Browser | undefined> {
  if (!executablePath) return undefined;
  // As root it has no sandbox; a container has little shared memory.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** A page of the service, and what it did that it should not. */
export interface Visit {
  page: Page;
  /** The addresses that it asked. */
  requests: string[];
  /** Errors, and what the content security policy forbade. */
  troubles: string[];
}

/** Opens a page of the service in a session of its own. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const requests: string[] = [];
  const troubles: string[] = [];
  context.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', ({ message }) => troubles.push(message));
  page.on('console', (message) => {
    // That an answer is an error is for the page to say, and it does.
    const isAnswer = message.text().includes('the server responded with a status of');
    if (message.type() === 'error' && !isAnswer) troubles.push(message.text());
  });
  await page.goto(url);
  return { page, requests, troubles };
}

/** What axe-core finds wrong with a page as it is, a line for each. */
export async function findBarriers(page: Page): Promise<string[]> {
  // The policy keeps a script out of the page, but not out of the debugger.
  await page.evaluate(axeSource);
  const results = await page.evaluate<axe.AxeResults>('axe.run()');
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}
