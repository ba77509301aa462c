import { expect } from 'chai';
import { Registration } from '../../src/engines/registration.js';
import { createLogger, type Logger } from '../../src/logger.js';
import { EngineADouble } from '../support/engine-a-double.js';
import { EngineBDouble } from '../support/engine-b-double.js';
import { LoopbackServer, until } from '../support/listening.js';

const SLUG = 'ae-anomaly-detection';
const bucket = {
  host: new URL('http://127.0.0.1:1'),
  ...{ region: 'r', bucket: 'b', accessKeyId: 'k', secretAccessKey: 's' },
};

describe('the registration with an Engine', () => {
  const running: { leave?: () => Promise<void>; down?: () => Promise<void> }[] = [];
  const logged: string[] = [];
  let logger: Logger;
  let service: LoopbackServer;

  beforeEach(async () => {
    logged.length = 0;
    const log = (level: string, message: string, meta: object) =>
      logged.push(JSON.stringify({ level, message, ...meta }));
    logger = Object.assign(createLogger('debug'), {
      log,
      info: (message: string, meta: object) => log('info', message, meta),
      warn: (message: string, meta: object) => log('warn', message, meta),
    });
    service = new LoopbackServer((_request, response) => response.writeHead(200).end('{}'));
    await service.up();
  });
  afterEach(async () => {
    for (const { leave, down } of running.splice(0)) await (leave ?? down)?.();
    await service.down();
  });

  async function engineA(): Promise<EngineADouble> {
    const engine = new EngineADouble();
    await engine.up();
    running.push({ down: () => engine.down() });
    return engine;
  }

  async function engineB(): Promise<EngineBDouble> {
    const engine = new EngineBDouble(bucket);
    await engine.up();
    running.push({ down: () => engine.down() });
    return engine;
  }

  function register(url: string, changes: { serviceUrl?: string; generation?: 'A' | 'B' } = {}): Registration {
    const { generation, serviceUrl = service.url } = changes;
    const settings = { serviceUrl, announceRetries: 2, announceRetryDelay: 0.05 };
    const registration = new Registration({ url, generation }, settings, logger);
    registration.start();
    running.unshift({ leave: () => registration.leave() });
    return registration;
  }

  const said = (text: string) => logged.some((line) => line.includes(text));

  it('recognises generation A, and takes the service out in the end', async () => {
    const engine = await engineA();
    const registration = register(engine.url);
    await until(() => engine.services.has(SLUG));
    expect(engine.services.get(SLUG)).to.deep.include({ url: `${service.url}/compute` });
    expect(engine.services.get(SLUG)?.api).to.deep.include({
      body: ['text'],
      bodyType: ['[text/csv, text/plain]'],
    });
    await registration.leave();
    expect(engine.services.size).to.equal(0);
    expect(engine.harm).to.deep.equal([]);
  });

  it('recognises generation B, pings it, and puts the service to sleep in the end', async () => {
    const engine = await engineB();
    const registration = register(engine.url);
    await until(() => engine.pings > 0);
    const known = engine.services.get(SLUG);
    expect(known).to.include({ name: 'Autoencoder Anomaly Detection', url: `${service.url}/`, status: 'available' });
    expect(known?.data_in_fields).to.deep.equal([{ name: 'text', type: ['text/csv', 'text/plain'] }]);
    expect(known?.data_out_fields.map(({ name }) => name)).to.deep.equal(['result', 'verdict', 'scores']);
    await registration.leave();
    expect(engine.routes.size).to.equal(0);
    expect(engine.harm).to.deep.equal([]);
  });

  it('comes back at generation B after it has left', async () => {
    const engine = await engineB();
    const first = register(engine.url);
    await until(() => engine.pings > 0);
    await first.leave();
    register(engine.url);
    await until(() => engine.routes.has(SLUG));
    expect(engine.services.get(SLUG)?.status).to.equal('available');
    expect(engine.harm).to.deep.equal([]);
  });

  it('gets a changed address of its own through, at either generation', async () => {
    const [a, b] = [await engineA(), await engineB()];
    const moved = new LoopbackServer((_request, response) => response.writeHead(200).end('{}'));
    await moved.up();
    running.push({ down: () => moved.down() });
    // As after a crash: the old registration is still there.
    register(a.url);
    register(b.url);
    await until(() => a.services.has(SLUG) && b.routes.has(SLUG));
    register(a.url, { serviceUrl: moved.url });
    register(b.url, { serviceUrl: moved.url });
    await until(() => a.services.get(SLUG)?.url === `${moved.url}/compute` && b.routes.get(SLUG)?.url === moved.url);
    expect([...a.harm, ...b.harm]).to.deep.equal([]);
  });

  it('keeps trying while an Engine is down, says so as an error once, and registers when it is up', async () => {
    const engine = await engineB();
    await engine.down();
    register(engine.url);
    await until(() => said('"failures":3'));
    expect(logged.filter((line) => line.includes('"level":"error"'))).to.have.length(1);
    await engine.up();
    await until(() => engine.routes.has(SLUG));
    await until(() => said('"message":"registered"'));
  });

  it('takes an Engine that answers nonsense for down', async () => {
    const nonsense = new LoopbackServer((_request, response) => response.writeHead(200).end('<html>'));
    await nonsense.up();
    running.push({ down: () => nonsense.down() });
    register(nonsense.url);
    await until(() => said('the routes of neither generation'));
  });

  it('follows no redirect of an Engine', async () => {
    const target = await engineB();
    const redirecting = new LoopbackServer((request, response) =>
      response.writeHead(307, { location: `${target.url}${request.url ?? ''}` }).end(),
    );
    await redirecting.up();
    running.push({ down: () => redirecting.down() });
    register(redirecting.url, { generation: 'B' });
    await until(() => said('"message":"not registered"'));
    expect(target.services.size).to.equal(0);
  });
});
