import { expect } from 'chai';
import { AnswerTooLarge, call, NotConnected } from '../../src/engines/outgoing.js';
import { LoopbackServer } from '../support/listening.js';

const get = (url: string, changes: object = {}) => call(url, { method: 'GET', timeoutSeconds: 5, ...changes });
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => new Error('did not fail'),
    (error: unknown) => error as Error,
  );

describe('a call to another host', () => {
  let server: LoopbackServer;
  let requests: string[];

  beforeEach(async () => {
    requests = [];
    server = new LoopbackServer((request, response) => {
      requests.push(request.url ?? '');
      if (request.url === '/elsewhere') response.writeHead(302, { location: '/secret' }).end();
      else if (request.url === '/large') response.end(Buffer.alloc(2_000_000));
      else if (request.url === '/cut') request.socket.destroy();
      else if (request.url === '/never') response.writeHead(200).write('a');
      else response.end('{"a":1}');
    });
    await server.up();
  });
  afterEach(() => server.down());

  it('brings back status and body', async () => {
    const { status, body } = await get(`${server.url}/`);
    expect([status, Buffer.from(body).toString()]).to.deep.equal([200, '{"a":1}']);
  });

  it('follows no redirect', async () => {
    expect((await get(`${server.url}/elsewhere`)).status).to.equal(302);
    expect(requests).to.deep.equal(['/elsewhere']);
  });

  it('reads no more than it was told to', async () => {
    expect(await failure(get(`${server.url}/large`))).to.be.instanceOf(AnswerTooLarge);
    expect((await get(`${server.url}/large`, { maxBytes: 2_000_000 })).body).to.have.length(2_000_000);
  });

  it('ends where the answer does not', async () => {
    const error = await failure(get(`${server.url}/never`, { timeoutSeconds: 0.3 }));
    expect(error.message).to.equal('no answer within 0.3 s');
  });

  it('tells a call that never left from one that may have arrived', async () => {
    expect(await failure(get('http://127.0.0.1:1/'))).to.be.instanceOf(NotConnected);
    expect(await failure(get('http://no-such-host.invalid/'))).to.be.instanceOf(NotConnected);
    expect(await failure(get(`${server.url}/cut`))).to.not.be.instanceOf(NotConnected);
  });

  it('goes to no link-local address, where clouds hand out credentials', async () => {
    for (const host of ['169.254.169.254', '[fe80::1]', '[fd00:ec2::254]', '[::ffff:169.254.169.254]']) {
      const error = await failure(get(`http://${host}/latest/meta-data`));
      expect(error.message, host).to.match(/link-local/);
    }
  });
});
