import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect } from 'chai';
import { parse } from 'dotenv';
import { readConfig, settings } from '../src/config.js';

describe('the configuration', () => {
  it('has a default for everything', () => {
    const config = readConfig({});
    expect(config).to.include({ port: 8282, modelPath: 'model', workers: availableParallelism() });
  });

  it('takes what the environment says, and an empty variable as not set', () => {
    expect(readConfig({ PORT: '0', WORKERS: '3', HOST: '' })).to.include({ port: 0, workers: 3, host: '0.0.0.0' });
  });

  it('names every variable that is wrong, what was expected and what came', () => {
    const environment = { PORT: '99999', LOG_LEVEL: 'loud', MAX_UPLOAD_BYTES: '1.5' };
    expect(() => readConfig(environment))
      .to.throw(/PORT: expected a whole number from 0 to 65535, got "99999"/)
      .with.property('message')
      .that.matches(/LOG_LEVEL: .*"error"\|"warn"\|"info"\|"debug".*, got "loud"/)
      .and.matches(/MAX_UPLOAD_BYTES: expected a whole number .*, got "1.5"/);
  });

  it('takes a token that a header can carry, and never tells the one that came', () => {
    expect(readConfig({ RELOAD_TOKEN: 'open sesame' }).reloadToken).to.equal('open sesame');
    for (const token of [' secret', 'secret ', 'sécret', 'secret\n']) {
      expect(() => readConfig({ RELOAD_TOKEN: token }), token)
        .to.throw(/RELOAD_TOKEN: expected ASCII characters/)
        .with.property('message')
        .that.does.not.match(/s.cret/);
    }
  });

  it('takes Engines separated by commas or as a JSON list, with the generation of those that say theirs', () => {
    const engines = (ENGINE_URLS: string, ENGINE_GENERATION = 'auto') =>
      readConfig({ ENGINE_URLS, ENGINE_GENERATION }).engines;
    expect(engines('')).to.deep.equal([]);
    expect(engines('http://a:1, https://b')).to.deep.equal([{ url: 'http://a:1' }, { url: 'https://b' }]);
    expect(engines('["http://a", {"url": "http://b", "generation": "B"}]', 'A')).to.deep.equal([
      { url: 'http://a', generation: 'A' },
      { url: 'http://b', generation: 'B' },
    ]);
    for (const wrong of [
      'a',
      '[http://a]',
      'ftp://a',
      '{"url": "http://a"}',
      '[{"url": "http://a", "generation": "C"}]',
    ]) {
      expect(() => engines(wrong), wrong).to.throw(/ENGINE_URLS: expected http or https addresses/);
    }
  });

  it('has the same defaults in .env', () => {
    const { ORT_DISABLE_TELEMETRY: telemetry, ...file } = parse(readFileSync('.env'));
    const defaults = Object.entries(settings).map(([name, setting]) => [name, setting.default]);
    expect(file).to.deep.equal(Object.fromEntries(defaults));
    expect(telemetry).to.equal('1');
  });

  it('stands in the README, every setting with its default and its meaning', () => {
    const readme = readFileSync('README.md', 'utf8').replace(/ +/g, ' ');
    for (const [name, { default: fallback, meaning }] of Object.entries(settings)) {
      const shown = fallback === '' ? '' : `\`${fallback}\` `;
      expect(readme).to.include(`| \`${name}\` | ${shown}| ${meaning} |`);
    }
  });
});
