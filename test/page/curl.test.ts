import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { curlCommand } from '../../src/page/curl.js';

const CURL = '/usr/bin/curl';

describe('the curl command', function () {
  const forms: FormData[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then(async (body) => {
      const headers = { 'Content-Type': request.headers['content-type'] ?? '' };
      forms.push(await new Response(new Uint8Array(body), { headers }).formData());
      response.end();
    });
  });
  let folder: string;

  before(async function () {
    if (!existsSync(CURL)) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'ae-ano-curl-'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(() => {
    server.close();
    if (folder) rmSync(folder, { recursive: true });
  });

  async function send(file: string, fields: Record<string, string> = {}): Promise<FormData> {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/compute`;
    const command = curlCommand({ url, file, fields, format: 'json' });
    const running = promisify(execFile)('sh', ['-c', command], { cwd: folder, timeout: 60_000 });
    running.child.stdin?.end();
    await running;
    return forms.at(-1) as FormData;
  }

  for (const name of ['plain.csv', ' before.csv', 'after.csv ', '-', '-F', '@at', '~', `"a"; 'b', $c\\d.csv`]) {
    it(`sends the file ${JSON.stringify(name)}`, async () => {
      writeFileSync(join(folder, name), `value\n${name.length}\n`);
      const sent = (await send(name)).get('text') as File;
      expect(await sent.text()).to.equal(`value\n${name.length}\n`);
      // fetch's reader of forms leaves the quotes of a name escaped.
      if (!/["\\]/.test(name)) expect(sent.name).to.equal(name);
    });
  }

  it('sends options as they are', async () => {
    writeFileSync(join(folder, 'options.csv'), 'value\n1\n');
    const sent = await send('options.csv', { model: "o'ne two", percentile: '97.5' });
    expect([...sent].slice(1)).to.deep.equal([
      ['model', "o'ne two"],
      ['percentile', '97.5'],
      ['points', 'false'],
    ]);
  });
});
