import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const dockerfile = readFileSync('Dockerfile', 'utf8');

/** What the Dockerfile copies out of the repository, not out of another stage. */
function copied(): string[] {
  const copies = dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm);
  return [...new Set([...copies].flatMap(([, sources]) => sources.split(' ')))].sort();
}

describe('the image', () => {
  it('is built of what .dockerignore lets through, and that is nothing else', () => {
    const lines = readFileSync('.dockerignore', 'utf8').split('\n');
    const letThrough = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(letThrough.sort()).to.deep.equal(copied());
    expect(letThrough.filter((path) => !existsSync(path))).to.deep.equal([]);
    expect(lines).to.include('*');
  });

  it('is built without install scripts and without a frontend from elsewhere', () => {
    expect(dockerfile).not.to.match(/^# *syntax=/m);
    expect([...dockerfile.matchAll(/npm ci(.*)/g)].map(([, options]) => options)).to.satisfy((all: string[]) =>
      all.every((options) => options.includes('--ignore-scripts')),
    );
  });
});
