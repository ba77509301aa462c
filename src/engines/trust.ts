import { AppError, quote } from '../errors.js';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Says which addresses that come from outside may be called. Callbacks may go to the hosts of the
 * configured Engines and to those that the operator names. Storage may be on any host that a task
 * names whose callback is allowed, unless the operator names the hosts. `localhost` and its addresses
 * count as one host.
 */
export class Trust {
  private readonly callbackHosts: Set<string>;
  private readonly storageHosts: Set<string>;

  /**
   * @param engineUrls the configured Engines
   * @param callbackHosts further hosts that callbacks may go to
   * @param storageHosts the hosts that storage may be on; none means any
   */
  constructor(engineUrls: string[], callbackHosts: string[], storageHosts: string[]) {
    const hosts = [...engineUrls.map((url) => new URL(url).hostname), ...callbackHosts];
    this.callbackHosts = new Set(hosts.map(normalise));
    this.storageHosts = new Set(storageHosts.map(normalise));
  }

  /**
   * Checks where an outcome is to be delivered.
   *
   * @throws AppError INVALID_PARAMETER where it is no http address, ADDRESS_NOT_ALLOWED where it is not allowed
   */
  checkCallback(address: string): URL {
    const url = parseAddress('callback_url', address);
    if (this.callbackHosts.has(normalise(url.hostname))) return url;
    throw notAllowed('callback_url', url, 'the hosts of ENGINE_URLS and CALLBACK_HOSTS');
  }

  /**
   * Checks where a task's files are, a task whose callback is allowed.
   *
   * @throws AppError as {@link Trust.checkCallback}
   */
  checkStorage(address: string): URL {
    const url = parseAddress('s3_host', address);
    if (this.storageHosts.size === 0 || this.storageHosts.has(normalise(url.hostname))) return url;
    throw notAllowed('s3_host', url, 'those of STORAGE_HOSTS');
  }
}

function parseAddress(name: string, address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && ['http:', 'https:'].includes(url.protocol) && !url.username && !url.password) return url;
  throw new AppError('INVALID_PARAMETER', `${name}: expected an http or https address without credentials.`, {
    expected: 'an http or https address without credentials',
  });
}

function notAllowed(name: string, url: URL, allowed: string): AppError {
  return new AppError('ADDRESS_NOT_ALLOWED', `${name}: the host ${quote(url.hostname)} is not one of ${allowed}.`, {
    expected: allowed,
    received: quote(url.hostname),
  });
}

function normalise(hostname: string): string {
  const lower = hostname.toLowerCase();
  return LOOPBACK.includes(lower) ? 'localhost' : lower;
}
