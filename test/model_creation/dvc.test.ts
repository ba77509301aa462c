import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parse } from 'yaml';
import { type Storage, startStorage } from '../support/storage.js';

const DVC = resolve('.venv/bin/dvc');
const BUCKET = 'ae-ano-detection';
const OUTPUT = 'model_creation/output';
// What DVC and the stages need of a clone.
const FILES = ['.gitignore', '.dvc/config', '.dvc/plots.html', '.dvcignore', 'dvc.yaml', 'dvc.lock'];
const MORE_FILES = ['params.yaml', 'package.json', '.ci/model-report'];
const FOLDERS = ['model', 'model_creation', 'src'];

const config = readFileSync('.dvc/config', 'utf8');
const exec = promisify(execFile);

/** The bytes of all files of a folder, by their names. */
function contents(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'base64')]));
}

describe('the DVC remote', () => {
  it('has its bucket and address in .dvc/config, and no credentials', () => {
    expect(config).to.include(`url = s3://${BUCKET}\n`).and.include('remote = minio\n');
    expect(config).not.to.match(/access_key|password|token/);
  });

  it('is what compose.yml starts', () => {
    const { services } = parse(readFileSync('compose.yml', 'utf8')) as {
      services: { minio: { command: string[]; ports: string[]; environment: Record<string, string> } };
    };
    const { command, ports, environment } = services.minio;
    expect(command[0]).to.include(`mkdir -p /data/${BUCKET} `);
    const endpoint = new URL(/endpointurl = (.*)/.exec(config)?.[1] ?? '');
    expect(ports).to.deep.equal([`127.0.0.1:${endpoint.port}:9000`]);
    expect(environment.MINIO_ROOT_USER).to.match(/^\$\{AWS_ACCESS_KEY_ID:\?/);
    expect(environment.MINIO_ROOT_PASSWORD).to.match(/^\$\{AWS_SECRET_ACCESS_KEY:\?/);
  });
});

describe('a clone', function () {
  let storage: Storage | undefined;
  let clone: string;
  let reproduced: string;

  before(async function () {
    if (existsSync(DVC)) storage = await startStorage(BUCKET);
    if (!storage) this.skip();
    clone = mkdtempSync(join(tmpdir(), 'ae-ano-clone-'));
    for (const path of [...FILES, ...MORE_FILES, ...FOLDERS]) cpSync(path, join(clone, path), { recursive: true });
    rmSync(join(clone, OUTPUT), { recursive: true, force: true });
    for (const path of ['node_modules', '.venv']) symlinkSync(resolve(path), join(clone, path));
    await git('init', '--quiet');
    await git('add', '.');
    await git('-c', 'user.name=test', '-c', 'user.email=test@localhost', 'commit', '--quiet', '--message=Begin');
    // The way that the README tells: the address changes for this clone alone.
    await dvc(['remote', 'modify', '--local', 'minio', 'endpointurl', storage.bucket.host.href]);
    reproduced = await dvc(['repro']);
  });
  after(async () => {
    await storage?.stop();
    if (clone) rmSync(clone, { recursive: true });
  });

  const git = (...args: string[]) => exec('git', args, { cwd: clone });

  async function dvc(args: string[], credentials: object = {}): Promise<string> {
    const { accessKeyId, secretAccessKey } = { ...storage?.bucket, ...credentials };
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    const env = { ...process.env, ...keys, AWS_EC2_METADATA_DISABLED: 'true', DVC_SITE_CACHE_DIR: join(clone, 'site') };
    return (await exec(DVC, args, { cwd: clone, env })).stdout;
  }

  it('makes the committed model again from the committed data, byte for byte', () => {
    expect(reproduced).to.include("Running stage 'train'");
    expect(contents(join(clone, 'model'))).to.deep.equal(contents('model'));
    expect(readFileSync(join(clone, 'dvc.lock'), 'utf8')).to.equal(readFileSync('dvc.lock', 'utf8'));
  });

  it('pushes what the stages have made, and has it again after all of it was lost', async () => {
    const made = contents(join(clone, OUTPUT));
    expect(Object.keys(made)).to.have.members(['prepared.json', 'heads.json', 'prototypes.bin', 'epochs.json']);
    expect(await dvc(['push'])).to.include('4 files pushed');
    for (const lost of ['.dvc/cache', 'site', OUTPUT]) rmSync(join(clone, lost), { recursive: true });
    await dvc(['pull']);
    expect(contents(join(clone, OUTPUT))).to.deep.equal(made);
    expect(await dvc(['status'])).to.include('up to date');
    expect(await dvc(['repro'])).not.to.include('Running stage');
    expect(await dvc(['status', '--cloud'])).to.include('in sync');
  });

  it('tells what a change of params makes of the metrics', async () => {
    const params = readFileSync('params.yaml', 'utf8').replace(/margin: [\d.]+/, 'margin: 1.25');
    writeFileSync(join(clone, 'params.yaml'), params);
    const report = (await exec('.ci/model-report', ['HEAD'], { cwd: clone })).stdout;
    expect(report).to.include('Stages that ran: export, evaluate.');
    expect(report).to.match(/\| evaluation\.falseAlarmShare +\| 0\.\d+ +\| 0\.\d+ +\| 0\.\d+ +\|/);
    expect(report).to.match(/\| export\.margin +\| [\d.]+ +\| 1\.25 +\|/);
    expect(report).to.include('run `dvc repro` and commit').and.include(' M model/ecg/1/model.onnx');
  });

  it('says which params and metrics stay', async () => {
    await git('checkout', '--quiet', '.');
    const report = (await exec('.ci/model-report', ['HEAD'], { cwd: clone })).stdout;
    expect(report).to.include('Stages that ran: none.').and.not.to.include('run `dvc repro`');
    expect(report.match(/None has changed/g)).to.have.length(2);
  });

  it('is refused with other credentials', async function () {
    if (!storage?.checksCredentials) this.skip();
    rmSync(join(clone, '.dvc/cache'), { recursive: true });
    const refused = dvc(['pull'], { secretAccessKey: 'another-secret' });
    const said = await refused.catch((error: unknown) => (error as { stderr: string }).stderr);
    expect(said).to.match(/403|Forbidden|signature/i);
  });
});
