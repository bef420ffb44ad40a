import { expect } from 'chai';
import { createJsonLogger } from '../../../runtime/src/observability/logger.ts';
import { settingsOf } from '../../../runtime/src/operator/config.ts';
import { warnOfPlainSecrets } from '../../../runtime/src/operator/plain-secrets.ts';
import { systemClock } from '../../../runtime/src/util/clock.ts';

function linesFor(headers: Readonly<Record<string, string>>): readonly string[] {
  const lines: string[] = [];
  const log = createJsonLogger(systemClock, 'info', (line) => void lines.push(line));
  warnOfPlainSecrets(settingsOf({ metrics: { headers } }), log);
  return lines;
}

describe('a secret in metrics.headers', () => {
  for (const name of ['Authorization', 'cookie', 'X-Auth-Token', 'X-API-Key', 'apikey']) {
    it(`is warned of by the name ${name}, without its value`, () => {
      const [line = '', ...others] = linesFor({ [name]: 's3cret', 'X-Scope-OrgID': 'tenant' });
      expect(others).to.deep.equal([]);
      expect(line).to.contain('use metrics.headerFiles').and.to.not.contain('s3cret');
      expect(JSON.parse(line)).to.deep.include({ level: 'warn', headers: [name] });
    });
  }

  it('is not suspected in headers that carry none', () => {
    expect(linesFor({ 'X-Scope-OrgID': 'tenant', Accept: 'application/json' })).to.deep.equal([]);
  });
});
