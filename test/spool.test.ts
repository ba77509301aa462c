import { readdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { bytesInFile } from '../src/detection/file-source.js';
import { Spool, type SpooledUpload } from '../src/spool.js';
import { expectAppError } from './support/errors.js';

const LARGE = Buffer.from('0123456789\n'.repeat(300_000));

function inPieces(bytes: Buffer): Readable {
  const pieces = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, i) =>
    bytes.subarray(i * 65_536, (i + 1) * 65_536),
  );
  return Readable.from(pieces);
}

function descriptorOf({ input }: SpooledUpload): number {
  expect(input).to.have.property('descriptor');
  return 'descriptor' in input ? input.descriptor : -1;
}

describe('an upload', () => {
  const before = process.env.TMPDIR;
  let folder: string;
  let spool: Spool;
  beforeEach(() => {
    process.env.TMPDIR = folder = mkdtempSync(join(tmpdir(), 'ae-ano-spool-'));
    spool = new Spool(1);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });

  it('stays in memory where it is small', async () => {
    const { input } = await spool.receive(inPieces(Buffer.from('value\n1\n')));
    expect(input).to.deep.equal({ bytes: Buffer.from('value\n1\n') });
  });

  it('waits in a file without a name where it is large, and can be read as often as need be', async () => {
    const upload = await spool.receive(inPieces(LARGE));
    const source = bytesInFile(descriptorOf(upload));
    for (let i = 0; i < 2; i++) {
      const pieces = Array.from(source.pieces(), (piece) => Buffer.from(piece));
      expect(Buffer.concat(pieces).equals(LARGE)).to.equal(true);
    }
    expect(readdirSync(folder)).to.deep.equal([]);
    upload.release();
  });

  it('is given up once its last user has released it', async () => {
    const upload = await spool.receive(inPieces(LARGE));
    const read = () => bytesInFile(descriptorOf(upload)).pieces()[Symbol.iterator]().next();
    upload.retain();
    upload.release();
    expect(read().done).to.equal(false);
    upload.release();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(read).to.throw(/EBADF/);
  });

  it('is refused where too many are in files, until one of them is given up', async () => {
    const upload = await spool.receive(inPieces(LARGE));
    await expectAppError('OVERLOADED', () => spool.receive(inPieces(LARGE)));
    (await spool.receive(inPieces(Buffer.from('1\n')))).release();
    upload.release();
    await new Promise((resolve) => setTimeout(resolve, 50));
    (await spool.receive(inPieces(LARGE))).release();
  });

  it('that there is no room for is an error of ours', async () => {
    rmSync(folder, { recursive: true });
    await expectAppError('INTERNAL', () => spool.receive(inPieces(LARGE)));
  });
});
