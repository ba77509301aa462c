import { createHash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import { call, type OutgoingAnswer, succeeded } from './outgoing.js';

/** A bucket and the right to use it, as an Engine's task names them. */
export interface Bucket {
  host: URL;
  region: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** A storage did not do as it was asked. */
export class StorageError extends Error {
  constructor(
    message: string,
    /** The HTTP status that it answered. */
    readonly status: number,
  ) {
    super(message);
  }
}

const TRANSFER_SECONDS = 120;

/**
 * Reads an object.
 *
 * @param maxBytes the largest that is accepted
 * @throws StorageError where the storage refuses, AnswerTooLarge, or as {@link call}
 */
export async function getObject(bucket: Bucket, key: string, maxBytes: number, signal: AbortSignal) {
  return (await send(bucket, 'GET', key, undefined, {}, signal, maxBytes)).body;
}

/**
 * Writes an object.
 *
 * @throws StorageError where the storage refuses, or as {@link call}
 */
export async function putObject(bucket: Bucket, key: string, body: Uint8Array, type: string, signal: AbortSignal) {
  await send(bucket, 'PUT', key, body, { 'content-type': type }, signal);
}

async function send(
  bucket: Bucket,
  method: 'GET' | 'PUT',
  key: string,
  body: Uint8Array | undefined,
  headers: Record<string, string>,
  signal: AbortSignal,
  maxBytes?: number,
): Promise<OutgoingAnswer> {
  const { accessKeyId, secretAccessKey, region } = bucket;
  const hash = createHash('sha256')
    .update(body ?? '')
    .digest('hex');
  const signer = new AwsV4Signer({
    ...{ method, url: addressOf(bucket, key), accessKeyId, secretAccessKey, region, service: 's3' },
    headers: { ...headers, 'x-amz-content-sha256': hash },
  });
  const signed = await signer.sign();
  const answer = await call(signed.url.href, {
    ...{ method, headers: Object.fromEntries(signed.headers), body, signal, maxBytes },
    timeoutSeconds: TRANSFER_SECONDS,
  });
  if (!succeeded(answer))
    throw new StorageError(`storage answered ${answer.status} ${errorCode(answer)}`, answer.status);
  return answer;
}

/** Path-style: the bucket is part of the path, as storage without a domain of its own wants it. */
function addressOf({ host, bucket }: Bucket, key: string): string {
  const path = [bucket, ...key.split('/')].map(encodeURIComponent).join('/');
  return `${host.href.replace(/\/$/, '')}/${path}`;
}

function errorCode({ body }: OutgoingAnswer): string {
  return /<Code>(\w+)<\/Code>/.exec(new TextDecoder().decode(body))?.[1] ?? '';
}
