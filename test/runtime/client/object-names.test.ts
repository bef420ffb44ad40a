import { expect } from 'chai';
import { violatedLabelRule, violatedNameRule } from '../../../runtime/src/client/object-names.ts';
import type { ResourceType } from '../../../runtime/src/internal.ts';

const type = (group: string, kind: string, plural: string): ResourceType => ({
  group,
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});
const configMap = type('', 'ConfigMap', 'configmaps');
const service = type('', 'Service', 'services');
const role = type('rbac.authorization.k8s.io', 'Role', 'roles');

const LEGAL: readonly (readonly [ResourceType, readonly string[], readonly string[]])[] = [
  [
    configMap,
    ['a', 'a.b-c.0', 'x'.repeat(253)],
    ['', 'A', 'a_b', 'a..b', 'a.-b', '-a', 'a-', 'system:a', 'a/b', 'x'.repeat(254)],
  ],
  [service, ['a', 'a-b', '0a', 'x'.repeat(63)], ['', 'a.b', 'a:b', 'A', 'x'.repeat(64)]],
  [role, ['a', 'system:controller:x', 'A_b.c', '...'], ['', '.', '..', 'a/b', 'a%b']],
];

describe('the names of a kind', () => {
  for (const [kind, legal, illegal] of LEGAL) {
    it(`are told from others before anything is sent: ${kind.kind}`, () => {
      expect(legal.filter((name) => violatedNameRule(kind, name) !== undefined)).to.deep.equal([]);
      expect(illegal.filter((name) => violatedNameRule(kind, name) === undefined)).to.deep.equal(
        [],
      );
    });
  }
  it('are text', () => {
    expect(violatedNameRule(role, undefined)).to.match(/^names are anything/);
    expect(violatedNameRule(configMap, 7)).to.match(/^names are lower-case/);
  });
});

describe('the labels of an object', () => {
  it('are told from illegal ones before anything is sent', () => {
    const legal = [
      ['app', ''],
      ['app.kubernetes.io/name', 'Web_1.x'],
      ['A_b.c', 'x'.repeat(63)],
      [`${'a'.repeat(253)}/${'b'.repeat(63)}`, '0'],
    ];
    const illegal = [
      ['app', 'x'.repeat(64)],
      ['app', '-a'],
      ['app', 'a b'],
      ['app', 1],
      ['', 'a'],
      ['a/b/c', 'a'],
      ['/a', 'a'],
      ['A.io/a', 'a'],
      ['x'.repeat(64), 'a'],
    ];
    const isLegal = ([key, value]: readonly unknown[]): boolean =>
      violatedLabelRule(String(key), value) === undefined;
    expect(legal.filter((label) => !isLegal(label))).to.deep.equal([]);
    expect(illegal.filter(isLegal)).to.deep.equal([]);
  });
});
