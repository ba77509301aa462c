import { expect } from 'chai';
import { Trust } from '../../src/engines/trust.js';
import { expectAppError } from '../support/errors.js';

describe('trust in addresses from outside', () => {
  const trust = new Trust(['http://engine:8080', 'http://LOCALHOST:9000/path'], ['Other.example.org'], []);

  it('lets outcomes go to the hosts of the Engines and to those that are named, at any port', () => {
    for (const url of ['http://engine/processing', 'https://ENGINE:1/x', 'http://other.example.org/tasks/1']) {
      expect(trust.checkCallback(url).href).to.equal(new URL(url).href);
    }
  });

  it('takes the names of the loopback for one host', () => {
    for (const host of ['localhost', '127.0.0.1', '[::1]']) trust.checkCallback(`http://${host}:1/`);
  });

  it('refuses every other host, and says which are allowed', async () => {
    for (const url of ['http://engine.example.org/', 'http://engin/', 'http://10.0.0.1/', 'http://0.0.0.0/']) {
      await expectAppError('ADDRESS_NOT_ALLOWED', () => trust.checkCallback(url));
    }
  });

  it('refuses what is no http address, or carries credentials', async () => {
    for (const url of ['file:///etc/passwd', 'engine', '', 'http://me:secret@engine/', 'ftp://engine/']) {
      await expectAppError('INVALID_PARAMETER', () => trust.checkCallback(url));
    }
  });

  it('lets storage be anywhere, or where it is named to be', async () => {
    expect(trust.checkStorage('http://minio:9000').hostname).to.equal('minio');
    const strict = new Trust(['http://engine'], [], ['minio']);
    strict.checkStorage('http://minio:9000');
    await expectAppError('ADDRESS_NOT_ALLOWED', () => strict.checkStorage('http://engine:9000'));
  });
});
