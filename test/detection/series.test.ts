import { expect } from 'chai';
import { bytesInMemory } from '../../src/detection/byte-source.js';
import { openSeries, readSeries } from '../../src/detection/series.js';
import { expectAppError } from '../support/errors.js';

const read = (text: string, columns?: string[]) => readSeries(Buffer.from(text), columns);
const values = (text: string, columns: string[] = ['value']) => Array.from(read(text, columns).values);

/** The rows of a CSV as they are carried through. */
function carried(text: string, columns: string[]): { header: string[]; rows: string[] } {
  const reader = openSeries(bytesInMemory(Buffer.from(text)), columns);
  const rows = [...reader.blocks(3, true)].flatMap(
    ({ rows: { bytes, ends } = { bytes: new Uint8Array(0), ends: [] } }) =>
      Array.from(ends, (end, i) => Buffer.from(bytes.subarray(i === 0 ? 0 : ends[i - 1], end)).toString()),
  );
  return { header: reader.header, rows };
}

describe('reading a CSV', () => {
  describe('takes CSVs as people have them', () => {
    const forms: [name: string, text: string][] = [
      ['with a header', 'value\n1.5\n-2\n'],
      ['without a header', '1.5\n-2\n'],
      ['with CRLF', 'value\r\n1.5\r\n-2\r\n'],
      ['with CR alone', 'value\r1.5\r-2\r'],
      ['with CRLF and LF mixed', 'value\r\n1.5\n-2\r\n'],
      ['with a byte order mark', '\ufeffvalue\n1.5\n-2\n'],
      ['with quotes', '"value"\n"1.5"\n"-2"\n'],
      ['with spaces around the cells', ' value \n  1.5\n -2 \n'],
      ['with trailing blank lines', 'value\n1.5\n-2\n\n\n  \n'],
      ['with leading blank lines', `${'\n'.repeat(200)}value\n1.5\n-2\n`],
      ['without an end to the last line', 'value\n1.5\n-2'],
      ['in scientific notation', 'value\n15E-1\n-2.0e+0\n'],
      ['with a plus sign and no leading digit', 'value\n+1.5\n-2.\n'],
      ['with a semicolon and a decimal comma', 'time;value\n2024-01-01;1,5\n2024-01-02;-2\n'],
      ['with a tab and a decimal comma', 'time\tvalue\n1\t1,5\n2\t-2,0\n'],
      ['with quoted delimiters in other columns', 'note,value\n"a, b",1.5\n"c ""d""",-2\n'],
    ];
    for (const [name, text] of forms) {
      it(name, () => {
        expect(values(text)).to.deep.equal([1.5, -2]);
      });
    }

    it('in Latin-1', () => {
      const series = readSeries(Buffer.from('Température\n1.5\n-2\n', 'latin1'), ['Température']);
      expect(Array.from(series.values)).to.deep.equal([1.5, -2]);
    });

    it('in UTF-16 with a byte order mark', () => {
      const series = readSeries(Buffer.from('\ufeffvalue\n1.5\n-2\n', 'utf16le'), ['value']);
      expect(Array.from(series.values)).to.deep.equal([1.5, -2]);
    });

    it('in UTF-16 with the other byte order', () => {
      const bytes = Buffer.from('\ufeffvalue\n1.5\n-2\n', 'utf16le').swap16();
      expect(Array.from(readSeries(bytes, ['value']).values)).to.deep.equal([1.5, -2]);
    });

    it('that change from CRLF to LF after the first megabyte', () => {
      const series = read(`value\r\n${'1\r\n'.repeat(400_000)}${'2\n'.repeat(1000)}`, ['value']);
      expect(series.length).to.equal(401_000);
    });

    it('longer than a piece of the parser, with no row lost', () => {
      const rows = Array.from({ length: 300_000 }, (_, i) => `${i}.25`);
      const series = read(`value\r\n${rows.join('\r\n')}\r\n`, ['value']);
      expect(series.length).to.equal(300_000);
      expect(series.values.every((value, i) => value === i + 0.25)).to.equal(true);
    });
  });

  describe('matches columns', () => {
    it('by name, in the order of the model', () => {
      const series = read('site,b,a\nx,1,2\ny,3,4\n', ['a', 'b']);
      expect(Array.from(series.values)).to.deep.equal([2, 1, 4, 3]);
    });

    it('and carries every row through as it came', () => {
      const { header, rows } = carried('site;b;a\n"x, y";1,50; +2 \nz;NaN;4\n', ['a', 'b']);
      expect(header).to.deep.equal(['site', 'b', 'a']);
      expect(rows).to.deep.equal(['"x, y",1.50,+2', 'z,NaN,4']);
    });

    it('by position where there is no header', () => {
      const series = read('1,2\n3,4\n', ['a', 'b']);
      expect(Array.from(series.values)).to.deep.equal([1, 2, 3, 4]);
      expect(series.columns).to.deep.equal(['a', 'b']);
    });

    it('and says which one the header lacks', async () => {
      const { details } = await expectAppError('WRONG_COLUMNS', () => read('a,c\n1,2\n', ['a', 'b']));
      expect(details).to.deep.equal({ column: 'b', expected: '"a, b"', received: '"a, c"' });
    });

    it('and says what the header has instead, and whether it is only written otherwise', async () => {
      const { message } = await expectAppError('WRONG_COLUMNS', () => read('time,Value\n1,2\n', ['value']));
      expect(message).to.include('no column "value"').and.to.include('it has "time, Value"');
      expect(message).to.include('Upper and lower case matter: "Value"');
      const other = await expectAppError('WRONG_COLUMNS', () => read('a,c\n1,2\n', ['a', 'b']));
      expect(other.message).to.not.include('case');
    });

    it('and says how many it expected where there is no header', async () => {
      const { message } = await expectAppError('WRONG_COLUMNS', () => read('1,2,3\n4,5,6\n', ['a', 'b']));
      expect(message).to.include('3 value columns').and.to.include('needs 2: "a, b"');
    });

    it('and refuses a name that stands there twice', async () => {
      await expectAppError('WRONG_COLUMNS', () => read('a,a\n1,2\n', ['a']));
      await expectAppError('WRONG_COLUMNS', () => read('a,a\n1,2\n'));
    });

    it('of a training series by its header, or makes names up', () => {
      expect(read('x,y\n1,2\n').columns).to.deep.equal(['x', 'y']);
      expect(read('1\n2\n').columns).to.deep.equal(['value']);
      expect(read('1,2\n3,4\n').columns).to.deep.equal(['value_1', 'value_2']);
    });
  });

  describe('takes what is missing for missing', () => {
    for (const cell of ['', 'NaN', 'nan', 'NA', 'n/a', 'null', 'None', '-', '?']) {
      it(`${JSON.stringify(cell)} between numbers: the straight line between the neighbours stands in`, () => {
        const series = read(`a,b\n1,5\n${cell},6\n${cell},7\n4,8\n`, ['a', 'b']);
        expect(Array.from(series.values)).to.deep.equal([1, 5, 2, 6, 3, 7, 4, 8]);
        expect(Array.from(series.missing)).to.deep.equal([0, 1, 1, 0]);
      });
    }

    it('over more points than are read at a time', () => {
      const csv = `a,b\n1,1\n${',2\n'.repeat(6)}8,\n,\n,\n11,5\n,7\n`;
      const blocks = [...openSeries(bytesInMemory(Buffer.from(csv)), ['a', 'b']).blocks(2, false)];
      expect(blocks.map(({ length }) => length)).to.deep.equal([2, 2, 2, 2, 2, 2]);
      expect(blocks.flatMap(({ values: both }) => [...both])).to.deep.equal([
        1, 1, 2, 2, 3, 2, 4, 2, 5, 2, 6, 2, 7, 2, 8, 2.75, 9, 3.5, 10, 4.25, 11, 5, 11, 7,
      ]);
    });

    it('at the ends: the nearest value stands in', () => {
      const series = read('NaN\n\n2\n3\nNaN\n', ['value']);
      expect(Array.from(series.values)).to.deep.equal([2, 2, 2, 3, 3]);
      expect(Array.from(series.missing)).to.deep.equal([1, 1, 0, 0, 1]);
    });

    it('a blank row between others', () => {
      const series = read('t,value\nx,1\n\ny,3\n\n\n', ['value']);
      expect(Array.from(series.values)).to.deep.equal([1, 2, 3]);
      expect(Array.from(series.missing)).to.deep.equal([0, 1, 0]);
    });

    const leading: [name: string, csv: string, columns?: string[]][] = [
      ['with a header', `value\n${'NaN\n'.repeat(300)}1\n2\n`, ['value']],
      ['with a header and a column of texts', `site,value\n${'x,\n'.repeat(300)}x,1\nx,2\n`, ['value']],
      ['without a header', `${'NaN\n'.repeat(300)}1\n2\n`, ['value']],
      ['beside dates without a header', `${'2024-01-01,\n'.repeat(300)}2024-01-02,1\n2024-01-03,2\n`, ['value']],
      ['in training', `value\n${'NaN\n'.repeat(300)}1\n2\n`],
    ];
    for (const [name, csv, columns] of leading) {
      it(`in more rows at the start than are looked at first, ${name}`, () => {
        const series = read(csv, columns);
        expect(Array.from(series.values.subarray(299))).to.deep.equal([1, 1, 2]);
        expect(series.missing.reduce((sum, missing) => sum + missing, 0)).to.equal(300);
      });
    }

    it('but not a whole column', async () => {
      await expectAppError('NO_NUMBERS', () => read('a,b\n1,\n2,\n', ['a', 'b']));
      const { message } = await expectAppError('NO_NUMBERS', () => read(`value\n${'NaN\n'.repeat(300)}`, ['value']));
      expect(message).to.equal('Column value has no number in it.');
    });

    it('and says so of the header where it is that which does not fit', async () => {
      await expectAppError('WRONG_COLUMNS', () => read(`val\n${'NaN\n'.repeat(300)}1\n`, ['value']));
    });
  });

  describe('carries timestamps through', () => {
    const stamps: [name: string, text: string, first: string][] = [
      [
        'ISO 8601 with a header',
        'when,value\n2024-01-01T00:00:00Z,1\n2024-01-01T00:01:00Z,2\n',
        '2024-01-01T00:00:00Z',
      ],
      ['ISO 8601 without a header', '2024-01-01 00:00:00,1\n2024-01-01 00:01:00,2\n', '2024-01-01 00:00:00'],
      ['ISO 8601 after the values', 'value,when\n1,2024-01-01\n2,2024-01-02\n', '2024-01-01'],
      ['epoch under any name', 'unix,value\n1700000000,1\n1700000060,2\n', '1700000000'],
      ['epoch by its name', 'timestamp,value\n1700000000,1\n1700000060,2\n', '1700000000'],
      ['epoch without a header', '1700000000.5,1\n1700000060.5,2\n', '1700000000.5'],
    ];
    for (const [name, text, first] of stamps) {
      it(name, () => {
        const series = read(text, ['value']);
        expect(series.timestamps?.[0]).to.equal(first);
        expect(Array.from(series.values)).to.deep.equal([1, 2]);
        expect(read(text).columns, 'in training').to.have.lengthOf(1);
      });
    }

    it('though some are missing, of the column that has the most', () => {
      const rows = Array.from({ length: 50 }, (_, i) => `${i % 9 ? '' : '2023-01-01'},${1_700_000_000 + i},${i}`);
      rows[20] = ',,20';
      const series = read(`service,unix,value\n${rows.join('\n')}\n`, ['value']);
      expect(series.timestamps?.slice(19, 22)).to.deep.equal(['1700000019', '', '1700000021']);
      expect(series.sampling).to.deep.equal({ interval: 1 });
      const without = read(rows.map((row) => row.slice(row.indexOf(',') + 1)).join('\n'), ['value']);
      expect(without.timestamps, 'without a header').to.deep.equal(series.timestamps);
    });

    it('but not where few cells of a column are any', () => {
      const rows = Array.from({ length: 50 }, (_, i) => `${i % 9 ? '' : '2023-01-01'},${i}`);
      expect(read(`service,value\n${rows.join('\n')}\n`, ['value']).timestamps).to.equal(undefined);
    });

    it('but never takes a column of the model for one', () => {
      const series = read('time\n1\n2\n', ['time']);
      expect(series.timestamps).to.equal(undefined);
      expect(Array.from(series.values)).to.deep.equal([1, 2]);
    });
  });

  describe('says what is wrong', () => {
    it('with an empty file', async () => {
      await expectAppError('EMPTY_FILE', () => read('', ['value']));
      await expectAppError('EMPTY_FILE', () => read('\ufeff \r\n\r\n', ['value']));
    });

    it('with a file that has no number in it', async () => {
      await expectAppError('NO_NUMBERS', () => read('hello\nworld\n', ['value']));
      await expectAppError('NO_NUMBERS', () => read('value\n', ['value']));
      await expectAppError('NO_NUMBERS', () => read(',,,\n,,\n', ['value']));
      await expectAppError('NO_NUMBERS', () => read(';;;\n'));
    });

    it('with so many rows without a number at the start that nobody can tell where numbers are to come', async () => {
      const csv = `name,note\n${'a,b\n'.repeat(300)}1,2\n`;
      const { message } = await expectAppError('NO_NUMBERS', () => read(csv, ['value']));
      expect(message).to.match(/^No number found in the first 100 rows/);
    });

    it('with a cell that is no number, by row and column', async () => {
      const { details, message } = await expectAppError('NOT_A_NUMBER', () => read('t,value\nx,1\ny,abc\n', ['value']));
      expect(details).to.deep.equal({ row: 3, column: 'value', expected: 'a number', received: '"abc"' });
      expect(message).to.equal('Row 3, column value: expected a number, got "abc".');
    });

    it('with a cell of a CSV without a header, by row and number of the column', async () => {
      const { details } = await expectAppError('NOT_A_NUMBER', () => read('1,2\n3,x\n', ['a', 'b']));
      expect(details).to.include({ row: 2, column: '2' });
    });

    for (const cell of ['0x10', 'Infinity', '1e999', '1_000', '1 000', '--1', '1.2.3']) {
      it(`with ${cell}, which is no number here`, async () => {
        await expectAppError('NOT_A_NUMBER', () => read(`value\n1\n${cell}\n`, ['value']));
      });
    }

    it('with a cell of a hundred thousand digits and a letter, at once', async () => {
      await expectAppError('NOT_A_NUMBER', () => read(`value\n1\n${'1'.repeat(100_000)}x\n`, ['value']));
    });

    for (const date of ['31.1.2024 10:00', '1/31/2024']) {
      it(`with ${date} as a date, and says how timestamps are written`, async () => {
        const csv = `time,value\n${date},1\n`;
        const { message, details } = await expectAppError('NOT_A_NUMBER', () => read(csv));
        expect(message).to.include('ISO 8601, such as 2024-01-31T10:00:00Z');
        expect(details).to.include({ row: 2, column: 'time' });
      });
    }

    it('with a row that has more cells than the others', async () => {
      const { message } = await expectAppError('WRONG_COLUMNS', () => read('value\n1\n2,5\n', ['value']));
      expect(message).to.include('Row 3: expected 1 cell').and.to.include('decimal comma');
    });

    it('with a quote that is never closed', async () => {
      await expectAppError('MALFORMED_CSV', () => read('value\n1\n"2\n3\n', ['value']));
    });

    for (const [csv, row] of [
      ['value\n"1\n2\n3\n', 2],
      ['"value\n1\n2\n', 1],
      ['\n\na,"value\n1,2\n3,4\n', 3],
    ] as const) {
      it(`with a quote that is never closed and hides every number: ${JSON.stringify(csv)}`, async () => {
        const { details } = await expectAppError('MALFORMED_CSV', () => read(csv, ['value']));
        expect(details).to.include({ row });
      });
    }

    it('with decimal points and decimal commas in one file', async () => {
      const { details } = await expectAppError('NOT_A_NUMBER', () => read('a;b\n1,5;2\n1.234;2\n', ['a', 'b']));
      expect(details).to.include({ row: 3, column: 'a' });
      await expectAppError('NOT_A_NUMBER', () => read('a;b\n1.5;2\n1,234;2\n', ['a', 'b']));
    });

    it('with a quoted decimal comma where the comma is the delimiter, which may as well part thousands', async () => {
      await expectAppError('NOT_A_NUMBER', () => read('a,b\n"1,234",2\n', ['a', 'b']));
    });
  });
});
