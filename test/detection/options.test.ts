import { expect } from 'chai';
import { parseOptions } from '../../src/detection/options.js';
import { AppError } from '../../src/errors.js';

describe('an option', () => {
  it('that is wrong is named, with what was expected and what came', () => {
    let thrown: unknown;
    try {
      parseOptions({ percentile: '99', margin: '0.5' });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).to.be.instanceOf(AppError);
    expect((thrown as AppError).details).to.deep.equal({
      parameter: 'margin',
      expected: 'a number of at least 1',
      received: '"0.5"',
    });
  });
});
