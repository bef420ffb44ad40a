import { expect } from 'chai';
import { proxyFor } from '../../../runtime/src/client/proxy.ts';

const PROXY = 'http://proxy:3128';

describe('the proxy to the API server', () => {
  it('is that of the kubeconfig, whatever the environment says', () => {
    const environment = { HTTPS_PROXY: 'http://other:1', NO_PROXY: '*' };
    expect(proxyFor('https://api', PROXY, environment)).to.equal(PROXY);
  });

  it('is HTTPS_PROXY for https and HTTP_PROXY for http, in capitals or not', () => {
    const environment = { HTTPS_PROXY: PROXY, http_proxy: 'other:80' };
    expect(proxyFor('https://api', undefined, environment)).to.equal(PROXY);
    expect(proxyFor('http://api', undefined, environment)).to.equal('http://other:80');
    expect(proxyFor('http://api', undefined, { HTTPS_PROXY: PROXY })).to.equal(undefined);
    expect(proxyFor('https://api', undefined, { HTTPS_PROXY: '' })).to.equal(undefined);
  });

  for (const [server, noProxy, isDirect] of [
    ['https://api.example.com:6443', 'example.com', true],
    ['https://example.com', 'example.com', true],
    ['https://notexample.com', 'example.com', false],
    ['https://example.com', '.example.com', false],
    ['https://api.example.com', '*.example.com', true],
    ['https://API.example.com', ' foo, Example.COM ', true],
    ['https://api.example.com:6443', 'example.com:6443', true],
    ['https://api.example.com:6443', 'example.com:443', false],
    ['https://10.96.0.1', '10.96.0.0/12', true],
    ['https://10.200.0.1', '10.96.0.0/12', false],
    ['https://10.96.0.1', '10.96.0.1', true],
    ['https://10.96.0.1:443', '10.96.0.1:443', true],
    ['https://[fd00::1]:6443', 'fd00::/8', true],
    ['https://[fd00::1]:6443', '[fd00::1]:6443', true],
    ['https://[fd00::1]', 'fd00::1', true],
    ['https://10.96.0.1', '10.96.0.0/99, ::/x', false],
    ['https://api', '*', true],
    ['https://localhost:6443', '', true],
    ['https://127.0.0.1:6443', '', true],
    ['https://[::1]:6443', '', true],
  ] as const) {
    it(`does ${isDirect ? 'not ' : ''}lead to ${server} with NO_PROXY='${noProxy}'`, () => {
      const proxy = proxyFor(server, undefined, { HTTPS_PROXY: PROXY, NO_PROXY: noProxy });
      expect(proxy).to.equal(isDirect ? undefined : PROXY);
    });
  }

  it('is refused when it is no HTTP proxy, without its password in the message', () => {
    const environment = { HTTPS_PROXY: 'socks5://me:secret@proxy:1080' };
    expect(() => proxyFor('https://api', undefined, environment)).to.throw(
      'HTTPS_PROXY is a URL that begins with socks5:; an operator can use http:// and https:// proxies',
    );
    expect(() => proxyFor('https://api', 'no url')).to.throw(
      'proxy-url of the kubeconfig is no URL',
    );
  });
});
