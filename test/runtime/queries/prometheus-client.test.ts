import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { PrometheusData } from '../../../runtime/src/queries/prometheus-client.ts';
import {
  parseResult,
  createPrometheusClient,
} from '../../../runtime/src/queries/prometheus-client.ts';
import { fillTemplate } from '../../../runtime/src/queries/query-template.ts';

describe('query results', () => {
  // @promise reconcile/queries
  it('distinguish no data, no number and several series from a value', () => {
    const at = (value: string): { value: readonly [number, string] } => ({ value: [0, value] });
    expect(parseResult({ resultType: 'vector', result: [] })).to.deep.equal({ type: 'noData' });
    expect(parseResult({ resultType: 'vector', result: [at('NaN')] })).to.deep.equal({
      type: 'notANumber',
    });
    expect(parseResult({ resultType: 'vector', result: [at('1'), at('2')] })).to.deep.equal({
      type: 'severalSeries',
      count: 2,
    });
    expect(parseResult({ resultType: 'vector', result: [at('99.5')] })).to.deep.equal({
      type: 'value',
      value: 99.5,
    });
    expect(parseResult({ resultType: 'scalar', result: [0, '+Inf'] })).to.deep.equal({
      type: 'value',
      value: Infinity,
    });
  });
  for (const value of [null, '', ' ', '0x10', 1, true, [1]]) {
    it(`that are ${JSON.stringify(value)} are no number, and never the number 0`, () => {
      const data = { resultType: 'scalar', result: [0, value] } as unknown as PrometheusData;
      expect(() => parseResult(data)).to.throw(
        `the query yields the value ${JSON.stringify(value)}; it must yield one number`,
      );
    });
  }
  for (const result of [
    null,
    undefined,
    'x',
    {},
    [0],
    [null],
    [{ value: [] }],
    [{ value: null }],
  ]) {
    it(`of another shape are refused by a sentence: ${JSON.stringify(result)}`, () => {
      for (const resultType of ['vector', 'scalar'] as const) {
        const data = { resultType, result } as unknown as PrometheusData;
        expect(() => parseResult(data)).to.throw(/^the query yields .*; it must yield one number$/);
      }
    });
  }
  it('of a range query are refused', () => {
    expect(() => parseResult({ resultType: 'matrix', result: [] })).to.throw(
      'must yield one number',
    );
  });
});

describe('the Prometheus client', () => {
  let server: Server;
  let folder: string;
  let handle: (request: IncomingMessage, response: ServerResponse) => void;
  const one = JSON.stringify({
    status: 'success',
    warnings: ['partial'],
    data: { resultType: 'scalar', result: [0, '1'] },
  });
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-prometheus-'));
    server = createServer((request, response) => handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  const host = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
  async function ask(more: object = {}, warn?: (warning: string) => void): Promise<unknown> {
    const access = { address: `http://${host()}`, headers: {}, timeoutMs: 5_000, ...more };
    return createPrometheusClient(() => access, warn)('up', new AbortController().signal).catch(
      (error: Error) => error.message.replaceAll(host(), 'host'),
    );
  }

  it('sends the user and password of the address, and shows them in no error', async () => {
    let sent: string | undefined;
    handle = (request, response) => {
      sent = request.headers.authorization;
      response.writeHead(401).end('go away');
    };
    const error = await ask({ address: `http://me:p%40ss@${host()}/prom/` });
    expect(sent).to.equal(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
    expect(error).to.equal(
      "http://host does not answer as Prometheus does (HTTP 401): see metrics.address. Its response: 'go away'",
    );
  });

  it('reads the token again for each query, and reports when it cannot', async () => {
    const sent: (string | undefined)[] = [];
    handle = (request, response) => {
      sent.push(request.headers.authorization);
      response.end(one);
    };
    const bearerTokenFile = join(folder, 'token');
    for (const token of ['first\n', 'second']) {
      writeFileSync(bearerTokenFile, token);
      expect(await ask({ bearerTokenFile })).to.deep.equal({ type: 'value', value: 1 });
    }
    expect(sent).to.deep.equal(['Bearer first', 'Bearer second']);
    unlinkSync(bearerTokenFile);
    expect(await ask({ bearerTokenFile })).to.match(
      /^metrics\.bearerTokenFile cannot be read: ENOENT/,
    );
  });

  it('reads secret headers from files again for each query, and shows them in no error', async () => {
    const sent: unknown[] = [];
    handle = (request, response) => {
      sent.push([request.headers.authorization, request.headers['x-scope-orgid']]);
      response.writeHead(401).end(`no access for ${request.headers.authorization}`);
    };
    const file = join(folder, 'authorization');
    const access = { headers: { Authorization: 'plain', 'X-Scope-OrgID': 'tenant-1' } };
    for (const value of ['Basic Zmlyc3Q=\n', 'Basic c2Vjb25k']) {
      writeFileSync(file, value);
      expect(await ask({ ...access, headerFiles: { authorization: file } })).to.contain(
        "'no access for Basic [hidden]'",
      );
    }
    expect(sent).to.deep.equal([
      ['Basic Zmlyc3Q=', 'tenant-1'],
      ['Basic c2Vjb25k', 'tenant-1'],
    ]);
    writeFileSync(file, 'a secret\nof two lines');
    expect(await ask({ headerFiles: { Authorization: file } })).to.equal(
      'metrics.headerFiles.Authorization must be a file with one line',
    );
    unlinkSync(file);
    expect(await ask({ headerFiles: { Authorization: file } })).to.match(
      /^metrics\.headerFiles\.Authorization cannot be read: ENOENT/,
    );
  });

  it('rejects a response that is not from Prometheus', async () => {
    const stranger = (code: number, body = ''): string =>
      `http://host does not answer as Prometheus does (HTTP ${code}): see metrics.address${
        body === '' ? '' : `. Its response: '${body}'`
      }`;
    const cases: readonly (readonly [number, string, string])[] = [
      [200, '<html>log in</html>', stranger(200, '<html>log in</html>')],
      [302, '', stranger(302)],
      [200, 'null', stranger(200, 'null')],
      [200, '[1]', stranger(200, '[1]')],
      [
        200,
        '{"status":"success","data":null}',
        'Prometheus at http://host refused the query (HTTP 200): no reason given',
      ],
      [
        503,
        '{"status":"error","error":"query timed out"}',
        'Prometheus at http://host refused the query (HTTP 503): query timed out',
      ],
      [
        422,
        '{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}',
        'Prometheus at http://host refused the query (HTTP 422): no reason given',
      ],
    ];
    for (const [code, body, message] of cases) {
      handle = (_, response) =>
        response.writeHead(code, code === 302 ? { location: '/elsewhere' } : {}).end(body);
      expect(await ask(), body).to.equal(message);
    }
  });

  it('shows why a gateway has refused the query, within bounds and without secrets', async () => {
    handle = (request, response) =>
      response
        .writeHead(401)
        .end(`no org id\nfor ${request.headers.authorization} ${'x'.repeat(5_000)}`);
    const bearerTokenFile = join(folder, 'secret');
    writeFileSync(bearerTokenFile, 'top-secret-token');
    const message = String(await ask({ bearerTokenFile, headers: { 'x-key': 'hidden-value' } }));
    expect(message).to.match(/Its response: 'no org id for Bearer \[hidden\] x{50,}…'$/);
    expect(message.length).to.be.below(400);
    handle = (request, response) =>
      response
        .writeHead(403)
        .end(`{"message":"key ${String(request.headers['x-key'])} is unknown"}`);
    expect(await ask({ headers: { 'x-key': 'hidden-value' } })).to.contain(
      'Its response: \'{"message":"key [hidden] is unknown"}\'',
    );
  });

  it('takes a % in the password of the address as it is', async () => {
    let sent: string | undefined;
    handle = (request, response) => {
      sent = request.headers.authorization;
      response.end(one);
    };
    await ask({ address: `http://me:50%@${host()}/` });
    expect(sent).to.equal(`Basic ${Buffer.from('me:50%').toString('base64')}`);
  });

  for (const timeoutMs of [1004.9999999999999, 2_160_000_000, 4_320_000_000]) {
    it(`asks with a time limit of ${timeoutMs} ms`, async () => {
      handle = (_, response) => response.end(one);
      expect(await ask({ timeoutMs })).to.deep.equal({ type: 'value', value: 1 });
    });
  }

  it('has a time limit, for the headers and for the body', async () => {
    handle = () => undefined;
    expect(await ask({ timeoutMs: 50 })).to.equal(
      'Prometheus at http://host cannot be asked: it did not answer within 50 ms',
    );
    handle = (_, response) => response.write('{"status":');
    expect(await ask({ timeoutMs: 50 })).to.equal(
      'Prometheus at http://host cannot be asked: it did not answer within 50 ms',
    );
  });

  it('passes on the warnings of a response', async () => {
    const warned: string[] = [];
    handle = (_, response) => response.end(one);
    await ask({}, (warning) => void warned.push(warning));
    expect(warned).to.deep.equal(['partial']);
  });
});

describe('query templates', () => {
  const query = {
    name: 'q',
    template: 'x{ns="{{ .Namespace }}",w=~"{{.Name}}"}[{{ .Interval }}]',
    parameters: ['Namespace', 'Name', 'Interval'],
  };
  // @promise reconcile/queries
  it('escape values for strings, and for regular expressions inside of one', () => {
    expect(fillTemplate(query, { namespace: 'a"b', name: 'web.v1', interval: '1m' })).to.equal(
      'x{ns="a\\"b",w=~"web\\\\.v1"}[1m]',
    );
  });
  // @promise reconcile/queries
  it('take nothing for an interval but a duration, so that no value can end the query', () => {
    expect(() =>
      fillTemplate(query, { namespace: 'a', name: 'b', interval: '1m]) or vector(1' }),
    ).to.throw(
      "query q: Interval must be a duration longer than 0 such as '1m', found '1m]) or vector(1'",
    );
    expect(fillTemplate(query, { namespace: 'a', name: 'b', interval: '1.5m' })).to.contain(
      '[90000ms]',
    );
  });
  it('take the default of a parameter that is not given', () => {
    expect(
      fillTemplate(
        { ...query, template: 'x{r="{{ .Reporter }}"}', defaults: { reporter: 'destination' } },
        {},
      ),
    ).to.equal('x{r="destination"}');
  });
  it('name the missing parameter', () => {
    expect(() => fillTemplate(query, { namespace: 'a', name: 'b' })).to.throw(
      'query q: the parameter Interval is missing or empty',
    );
  });
});
