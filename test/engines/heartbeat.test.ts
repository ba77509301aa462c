import { expect } from 'chai';
import { EngineA } from '../../src/engines/engine-a.js';
import { EngineB } from '../../src/engines/engine-b.js';
import { EngineADouble } from '../support/engine-a-double.js';
import { EngineBDouble } from '../support/engine-b-double.js';
import { LoopbackServer } from '../support/listening.js';

const SLUG = 'ae-anomaly-detection';

describe('the heartbeat', () => {
  it('brings the service back at generation A when the Engine has forgotten it', async () => {
    const double = new EngineADouble();
    await double.up();
    const engine = new EngineA(double.url, 'http://127.0.0.1:1');
    await engine.announce();
    double.services.clear();
    expect(await engine.heartbeat()).to.equal(true);
    expect(double.services.has(SLUG)).to.equal(true);
    await double.down();
  });

  it('tells at generation B when the Engine has forgotten the service, or sends it nothing', async () => {
    const service = new LoopbackServer((_request, response) => response.writeHead(200).end('{}'));
    await service.up();
    const bucket = {
      host: new URL('http://127.0.0.1:1'),
      region: '',
      bucket: '',
      accessKeyId: '',
      secretAccessKey: '',
    };
    const double = new EngineBDouble(bucket);
    await double.up();
    const engine = new EngineB(double.url, service.url);
    await engine.announce();
    expect(await engine.heartbeat()).to.equal(true);
    Object.assign(double.services.get(SLUG) ?? {}, { status: 'unavailable' });
    expect(await engine.heartbeat()).to.equal(false);
    Object.assign(double.services.get(SLUG) ?? {}, { status: 'disabled' });
    expect(await engine.heartbeat()).to.equal(true);
    double.forget();
    expect(await engine.heartbeat()).to.equal(false);
    await double.down();
    await service.down();
  });
});
