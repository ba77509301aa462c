import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Report } from '../../src/detection/report.js';
import { parseOptions } from '../../src/detection/options.js';
import type { ModelDescription } from '../../src/inference/metadata.js';
import { rejudge } from '../../src/page/rejudge.js';
import { readScored } from '../../src/page/scored-csv.js';
import { Times } from '../../src/page/times.js';
import { meanModelBytes } from '../support/models.js';
import { type Service, startService } from '../support/service.js';

const ECG = readFileSync('model_creation/data/test.csv', 'utf8').trim().split('\r\n').slice(1);

function ask(url: string, csv: string, options: Record<string, string>, accept: string): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(options)) form.append(name, value);
  form.append('text', new Blob([csv]), 'series.csv');
  return fetch(`${url}/compute`, { method: 'POST', body: form, headers: { Accept: accept } });
}

async function serverVerdict(url: string, csv: string, options: Record<string, string>) {
  const answer = await ask(url, csv, { ...options, points: 'false' }, 'application/json');
  return (await answer.json()) as Report;
}

/** Judges a CSV as the page does, from one scored CSV for all options. */
async function pageJudge(url: string, csv: string) {
  const model = (await (await fetch(`${url}/model`)).json()) as ModelDescription;
  const scored = await ask(url, csv, {}, 'text/csv');
  const { times, ...rest } = readScored(new Uint8Array(await scored.arrayBuffer()), model);
  const series = { ...rest, ...(times && { times: new Times(times) }) };
  return (options: Record<string, string>) => rejudge(series, model, parseOptions(options));
}

const told = ({
  percentile,
  margin,
  threshold,
  anomalousPoints,
  anomalies,
  warnings,
}: Pick<Report, 'percentile' | 'margin' | 'threshold' | 'anomalousPoints' | 'anomalies' | 'warnings'>) => ({
  ...{ percentile, margin, threshold, anomalousPoints, anomalies, warnings },
});

function withGap(): string {
  const rows = ECG.slice(0, 3000).map((value, i) => {
    const seconds = (i + (i >= 1500 ? 600 : 0)) * 4;
    return `${new Date(Date.UTC(2024, 1, 3) + seconds * 1000).toISOString()},"a, b",${i % 97 === 5 ? '' : value}`;
  });
  return `when,note,value\n${rows.join('\n')}\n`;
}

function severalColumns(): string {
  const rows = Array.from({ length: 400 }, (_, i) => {
    const first = Math.sin(i / 9) * (i > 200 && i < 220 ? 100 : 1);
    return `${first},${i === 77 ? '' : Math.cos(i / 7) * (i > 300 && i < 310 ? -90 : 1)}`;
  });
  return `c0,c1\n${rows.join('\n')}\n`;
}

describe('the verdict in the page', function () {
  let service: Service;
  let several: Service;
  before(async () => {
    const scaling = [0, 1].map(() => ({ mean: 0, scale: 1 }));
    [service, several] = await Promise.all([startService(), startService({ 'several/1': meanModelBytes(scaling) })]);
  });
  after(() => Promise.all([service.stop(), several.stop()]));

  const series: [name: string, csv: string, isOfSeveral?: boolean][] = [
    ['a plain series', `value\n${ECG.slice(20_000).join('\n')}\n`],
    ['a series without a header', ECG.slice(0, 2000).join('\n')],
    ['missing values, a text column, and timestamps with a gap', withGap()],
    ['several columns, one of which has a gap', severalColumns(), true],
  ];
  const options: Record<string, string>[] = [
    {},
    ...['0', '50', '90', '98.7', '99.99', '100'].map((percentile) => ({ percentile })),
    { percentile: '90', margin: '1' },
    { percentile: '90', reference: 'request', margin: '1' },
    { percentile: '90', margin: '1', mergeGap: '400' },
    { percentile: '90', margin: '1', detectionDirection: 'below', minDeviation: '60' },
    { percentile: '95', margin: '1', missing: 'flag' },
  ];
  for (const [name, csv, isOfSeveral] of series) {
    it(`is the server's, whatever is asked, for ${name}`, async () => {
      const { url } = isOfSeveral ? several : service;
      const judge = await pageJudge(url, csv);
      let flagged = 0;
      for (const asked of options) {
        const theirs = told(await serverVerdict(url, csv, asked));
        expect(told(judge(asked)), JSON.stringify(asked)).to.deep.equal(theirs);
        flagged += theirs.anomalies.length;
      }
      expect(flagged).to.be.above(5);
    });
  }
});
