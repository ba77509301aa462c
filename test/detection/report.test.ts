import { expect } from 'chai';
import Papa from 'papaparse';
import { bytesInMemory } from '../../src/detection/byte-source.js';
import { collect, detect, csvIn, Detection } from '../../src/detection/detect.js';
import { type Report, type ReportFormat, writeReports } from '../../src/detection/report.js';
import { meanModel } from '../support/models.js';

const one = [{ mean: 0, scale: 1 }];
const two = [...one, ...one];

async function report(csv: string, format: ReportFormat, scaling = one, points = true) {
  const model = await meanModel(scaling);
  const pieces = await collect(
    writeReports(Detection.open(csvIn(bytesInMemory(Buffer.from(csv))), model), [format], points),
  );
  const text = Buffer.concat(pieces.map(({ bytes }) => bytes)).toString();
  return { detection: await detect(Buffer.from(csv), model), text };
}

describe('the report', () => {
  it('as JSON has an entry per point in each array', async () => {
    const { text, detection } = await report('value\n0\n0\n0\n0\n0\n9\n0\n0\n0\n0\n', 'json');
    const parsed = JSON.parse(text) as Report;
    expect(parsed.length).to.equal(10);
    expect(Float32Array.from(parsed.error ?? [])).to.deep.equal(detection.reconstruction.error);
    expect(parsed.expectedValues).to.deep.equal(Array.from(detection.reconstruction.expected));
    expect(parsed.isAnomaly).to.deep.equal([false, false, true, true, true, true, true, true, true, false]);
    expect(Float32Array.from(parsed.score ?? [])).to.deep.equal(
      detection.reconstruction.error.map((error) => error / parsed.threshold),
    );
    expect(parsed.anomalies.map(({ start, end, peak }) => [start, end, peak])).to.deep.equal([[2, 8, 5]]);
    expect(parsed.model).to.deep.equal(detection.model);
  });

  it('as JSON has a value per column where there are several, and the timestamps that came', async () => {
    const { text } = await report('time,c0,c1\n1,2,3\n2,2,3\n3,2,3\n4,2,3\n', 'json', two);
    const parsed = JSON.parse(text) as Report;
    expect(parsed.expectedValues).to.deep.equal(Array.from({ length: 4 }, () => [0, 0]));
    expect(parsed.timestamps).to.deep.equal(['1', '2', '3', '4']);
  });

  it('as JSON leaves the arrays out where the caller does not want them', async () => {
    const { text } = await report('value\n0\n0\n0\n9\n0\n0\n', 'json', one, false);
    const parsed = JSON.parse(text) as Report;
    expect(parsed).to.not.have.any.keys('error', 'score', 'isAnomaly', 'expectedValues', 'timestamps');
    expect(parsed.anomalies).to.have.lengthOf(1);
  });

  it('as CSV has the columns of the input, then ours, a row for each row in order', async () => {
    const { text, detection } = await report('"when, about";value\n"a ""b""";1,5\nx;2\ny;\nz;4\n', 'csv');
    const { data } = Papa.parse<Record<string, string>>(text.trim(), { header: true });
    const { error, expected } = detection.reconstruction;
    expect(Object.keys(data[0])).to.deep.equal(['when, about', 'value', 'expected', 'error', 'score', 'isAnomaly']);
    expect(data.map((row) => row['when, about'])).to.deep.equal(['a "b"', 'x', 'y', 'z']);
    expect(data.map((row) => row.value)).to.deep.equal(['1.5', '2', '', '4']);
    expect(Float32Array.from(data, (row) => Number(row.error))).to.deep.equal(error);
    expect(data.map((row) => Number(row.expected))).to.deep.equal(Array.from(expected));
    expect(data.map((row) => row.isAnomaly)).to.deep.equal(['true', 'true', 'false', 'true']);
  });

  it('as CSV names what is expected and the errors by their column where there are several', async () => {
    const { text, detection } = await report('c0,c1\n1,2\n1,2\n1,2\n1,2\n', 'csv', two);
    expect(text.split('\n')[0]).to.equal('c0,c1,expected_c0,expected_c1,error_c0,error_c1,error,score,isAnomaly');
    expect(text.split('\n')[1]).to.match(/^1,2,0,0,1,2,2,2\.\d+,true$/);
    expect(Array.from(detection.reconstruction.columnError.subarray(0, 2))).to.deep.equal([1, 2]);
  });

  it('as CSV gives its columns other names where the input has them already', async () => {
    const { text } = await report('value,error,score\n1,2,a\n1,2,b\n1,2,c\n1,2,d\n', 'csv');
    expect(text.split('\n')[0]).to.equal('value,error,score,expected,model_error,model_score,isAnomaly');
  });

  it('is the same in one piece and in many', async () => {
    const rows = Array.from({ length: 40_000 }, (_, i) => (i % 7) - 3);
    const json = JSON.parse((await report(`value\n${rows.join('\n')}\n`, 'json')).text) as Report;
    expect(json.error).to.have.lengthOf(40_000);
    const csv = (await report(`value\n${rows.join('\n')}\n`, 'csv')).text.trimEnd().split('\n').slice(1);
    expect(csv.map((row) => Number(row.split(',')[0]))).to.deep.equal(rows);
  });
});
