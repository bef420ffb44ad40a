import { expect } from 'chai';
import { configOf, DEFAULT_CONFIG, loadConfig } from '../../../runtime/src/operator/config.ts';

describe('autopilot-operator.yaml', () => {
  it('is merged field by field over the defaults', () => {
    expect(configOf({ workInterval: '30s' }, {})).to.deep.equal({ ...DEFAULT_CONFIG, workIntervalMs: 30_000 });
  });
  it('may be absent', async () => {
    expect(await loadConfig('/does/not/exist.yaml', {})).to.deep.equal(DEFAULT_CONFIG);
  });
  it('yields to the environment, and an empty WATCH_NAMESPACE means the whole cluster', () => {
    expect(configOf({ watchNamespace: 'a' }, { WATCH_NAMESPACE: 'b, c' }).watchNamespaces).to.deep.equal(['b', 'c']);
    expect(configOf({ watchNamespace: 'a' }, { WATCH_NAMESPACE: '' }).watchNamespaces).to.deep.equal([]);
    expect(configOf({ controlPlaneNs: 'mesh' }, { METRICS_SERVER: 'http://p:1' }).metricsServer).to.equal('http://p:1');
  });
  it('derives the address of Prometheus from the control plane namespace', () => {
    expect(configOf({ controlPlaneNs: 'mesh' }, {}).metricsServer).to.equal('http://prometheus.mesh:9090');
  });
  it("knows the original's log levels", () => {
    expect(configOf({ logLevel: 0 }, {}).logLevel).to.equal('debug');
  });
  it('names an unknown field and a wrong value', () => {
    expect(() => configOf({ workIntervall: '5s' }, {})).to.throw("unknown field 'workIntervall'");
    expect(() => configOf({ maxConcurrentSyncs: 0 }, {})).to.throw('maxConcurrentSyncs must be a whole number from 1');
    expect(() => configOf({ workInterval: 'soon' }, {})).to.throw("'soon' is not a duration");
  });
});
