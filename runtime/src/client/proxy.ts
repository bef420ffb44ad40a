/**
 * The proxy that leads to a server: `proxy-url` of the kubeconfig, else HTTPS_PROXY, HTTP_PROXY and
 * NO_PROXY as Go's HTTP client reads them (golang.org/x/net/http/httpproxy).
 */
import { BlockList, isIP, isIPv4 } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a server; undefined when the server is reached directly.
 *
 * @param configured `proxy-url` of the kubeconfig. It does not depend on NO_PROXY.
 * @param environment default: the environment of the process.
 * @throws Error for a proxy that is no HTTP proxy, such as `socks5://`.
 */
export function proxyFor(
  server: string,
  configured?: string,
  environment: Environment = process.env,
): string | undefined {
  const url = new URL(server);
  if (configured !== undefined) {
    return checkedProxy(configured, 'proxy-url of the kubeconfig');
  }
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = variable(environment, name);
  if (proxy === undefined || isExcluded(url, variable(environment, 'NO_PROXY') ?? '')) {
    return undefined;
  }
  return checkedProxy(proxy.includes('://') ? proxy : `http://${proxy}`, name);
}

function variable(environment: Environment, name: string): string | undefined {
  return environment[name] || environment[name.toLowerCase()] || undefined;
}

function checkedProxy(proxy: string, source: string): string {
  const url = URL.canParse(proxy) ? new URL(proxy) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    // A proxy's URL may have a password: only its scheme is shown.
    const found = url === undefined ? 'no URL' : `a URL that begins with ${url.protocol}`;
    throw new Error(`${source} is ${found}; an operator can use http:// and https:// proxies`);
  }
  return proxy;
}

/** Whether NO_PROXY or a loopback address excludes the server from the proxy. */
function isExcluded(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (host === 'localhost' || isLoopback(host)) {
    return true;
  }
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && isMatch(entry, host, port));
}

function isLoopback(host: string): boolean {
  return host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** Whether an entry of NO_PROXY names a host: `*`, an address, a network, or a domain. */
function isMatch(entry: string, host: string, port: string): boolean {
  if (entry === '*') {
    return true;
  }
  if (entry.includes('/')) {
    return isInNetwork(host, entry);
  }
  const { name, port: wanted } = splitPort(entry);
  if (wanted !== undefined && wanted !== port) {
    return false;
  }
  if (isIP(name) !== 0) {
    return name === host;
  }
  const domain = name.replace(/^\*?\./, '');
  const isOnlyBelow = domain !== name;
  return host.endsWith(`.${domain}`) || (!isOnlyBelow && host === domain);
}

function splitPort(entry: string): { readonly name: string; readonly port?: string } {
  const [, bracketed, portAfter] = /^\[(.*)\](?::(\d+))?$/.exec(entry) ?? [];
  if (bracketed !== undefined) {
    return { name: bracketed, ...(portAfter !== undefined && { port: portAfter }) };
  }
  const [, name, port] = /^([^:]+):(\d+)$/.exec(entry) ?? [];
  return name === undefined || port === undefined ? { name: entry } : { name, port };
}

function isInNetwork(host: string, entry: string): boolean {
  const [address = '', bits] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || !/^\d+$/.test(bits ?? '')) {
    return false;
  }
  const type = family === 4 ? 'ipv4' : 'ipv6';
  try {
    const network = new BlockList();
    network.addSubnet(address, Number(bits), type);
    return network.check(host, type);
  } catch {
    return false; // A prefix that is too long.
  }
}
