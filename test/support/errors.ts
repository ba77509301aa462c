import { expect } from 'chai';
import { AppError, type ErrorCode } from '../../src/errors.js';

/** Runs `work`, which must fail with an AppError of the given code, and returns that error. */
export async function expectAppError(code: ErrorCode, work: () => unknown): Promise<AppError> {
  try {
    await work();
  } catch (error) {
    expect(error).to.be.instanceOf(AppError);
    expect((error as AppError).code, (error as AppError).message).to.equal(code);
    return error as AppError;
  }
  throw new Error(`Expected ${code}, but nothing was thrown.`);
}
