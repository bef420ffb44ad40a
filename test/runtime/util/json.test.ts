import { expect } from 'chai';
import {
  containsFields,
  deepEqual,
  mergePatch,
  setMember,
} from '../../../runtime/src/util/json.ts';

const parse = (json: string): unknown => JSON.parse(json) as unknown;

describe('a member that is named __proto__', () => {
  it('is a member of a merge patch', () => {
    const patch = mergePatch(parse('{"a":1}'), parse('{"a":1,"__proto__":{"b":2}}'));
    expect(JSON.stringify(patch)).to.equal('{"__proto__":{"b":2}}');
    const removal = mergePatch(parse('{"a":1,"__proto__":{"b":2}}'), parse('{"a":1}'));
    expect(JSON.stringify(removal)).to.equal('{"__proto__":null}');
  });

  it('is compared', () => {
    expect(deepEqual(parse('{"__proto__":{}}'), parse('{"a":{}}'))).to.equal(false);
    expect(deepEqual(parse('{"__proto__":{"b":2}}'), parse('{"__proto__":{"b":2}}'))).to.equal(
      true,
    );
    expect(containsFields(parse('{}'), parse('{"__proto__":{}}'))).to.equal(false);
    expect(containsFields(parse('{}'), parse('{"constructor":{}}'))).to.equal(false);
  });

  it('can be set, and changes no prototype', () => {
    const target = {};
    setMember(target, '__proto__', { polluted: true });
    expect([JSON.stringify(target), 'polluted' in target]).to.deep.equal([
      '{"__proto__":{"polluted":true}}',
      false,
    ]);
  });
});
