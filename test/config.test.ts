import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect } from 'chai';
import { parse } from 'dotenv';
import { readConfig, settings } from '../src/config.js';

describe('the configuration', () => {
  it('has a default for everything', () => {
    const config = readConfig({});
    expect(config).to.include({ port: 8282, modelPath: 'model/model.onnx', workers: availableParallelism() });
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
