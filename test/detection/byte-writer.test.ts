import { expect } from 'chai';
import fc from 'fast-check';
import { ByteWriter, shortestFloat } from '../../src/detection/byte-writer.js';

function written(write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter();
  write(writer);
  return Buffer.from(writer.take()).toString();
}

/** The fewest digits that tell a float, by trying. */
function digitsNeeded(value: number): number {
  let digits = 6;
  while (Math.fround(Number(value.toPrecision(digits))) !== value) digits += 1;
  return digits;
}

describe('numbers in an answer', () => {
  it('are read back as the same float, with no more digits than that takes', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = written((writer) => writer.float(value));
        expect(Math.fround(Number(text)) === value, text).to.equal(true);
        expect(Number(text)).to.equal(Number(value.toPrecision(digitsNeeded(value))));
        expect(shortestFloat(value) + 0).to.equal(Number(text) + 0);
        expect(JSON.stringify(JSON.parse(text))).to.equal(String(Number(text)));
      }),
      { numRuns: 20_000 },
    );
  });

  it('are read back as the same double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(written((writer) => writer.double(value)))).to.equal(value + 0);
      }),
    );
  });

  it('are written without an exponent where they are neither tiny nor huge', () => {
    const texts = [0, 1, 10, 0.5, 0.024013756, 1234.5, 100_000_000, 1e-6, 1e-7, 1e9].map((value) =>
      written((writer) => writer.float(value)),
    );
    expect(texts).to.deep.equal([
      '0',
      '1',
      '10',
      '0.5',
      '0.024013756',
      '1234.5',
      '100000000',
      '0.000001',
      '1e-7',
      '1000000000',
    ]);
  });

  it('and text around them keep their order, whatever their size', () => {
    const text = written((writer) => {
      writer.text('é'.repeat(5000));
      writer.ascii(',');
      writer.float(0.1);
      writer.copy(Buffer.from('abc'), 1, 3);
    });
    expect(text).to.equal(`${'é'.repeat(5000)},0.1bc`);
  });
});
