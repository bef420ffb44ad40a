/** A schema allows no value that the type of src/spec.ts refuses. */
import { expect } from 'chai';
import type { StructuralSchema } from '../../generators/lib/util/structural-schema.ts';
import { validateValue } from '../../generators/lib/util/validate-value.ts';
import { specSchema } from './compile-crd.ts';

const fieldOf = (declaration: string, types = ''): StructuralSchema =>
  specSchema(`${types}\nexport interface FeatureSpec { ${declaration} }`).properties?.['a'] ?? {};
const accepts = (schema: StructuralSchema, value: unknown): boolean =>
  validateValue(value, schema) === undefined;

describe('shapes of a union that share the declaration of a field', () => {
  it('each give the field their own type: generic interfaces', () => {
    const schema = fieldOf(
      'readonly a: Weigh | Pause',
      `interface Base<K extends string> { readonly kind: K }
interface Weigh extends Base<'weigh'> { readonly weight: number }
interface Pause extends Base<'pause'> { readonly seconds: number }`,
    );
    expect(schema.properties?.['kind']).to.deep.equal({ type: 'string', enum: ['weigh', 'pause'] });
    expect(accepts(schema, { kind: 'pause', seconds: 1 })).to.equal(true);
    expect(accepts(schema, { kind: 'weigh', weight: 1 })).to.equal(true);
    expect(accepts(schema, { kind: 'weigh', seconds: 1 })).to.equal(false);
  });

  it('each give the field their own type: mapped and conditional types', () => {
    const schema = fieldOf(
      "readonly a: Shape<'x'> | Shape<'y'>",
      "type Shape<K extends string> = { readonly [P in 'kind' | 'size']: P extends 'kind' ? K : number }",
    );
    expect(schema.properties?.['kind']).to.deep.equal({ type: 'string', enum: ['x', 'y'] });
  });

  it('are refused when the types cannot be merged', () => {
    expect(() =>
      fieldOf('readonly a?: Box<string> | Box<number>', 'interface Box<T> { readonly v: T }'),
    ).to.throw('spec.a.v has different types in the shapes of a union');
  });
});

describe('template literal types', () => {
  const cases: readonly [type: string, valid: readonly unknown[], invalid: readonly unknown[]][] = [
    ["`${number}%` | 'auto'", ['5%', 'auto'], ['5', 'aut']],
    ['number | `${number}%`', [5, '5%'], ['5', '']],
    ['`${number}s` | `${number}m`', ['1s', '1.5m'], ['1h', '']],
    ["`${'a' | 'b'}-${string}`", ['a-', 'b-x'], ['c-x', 'a']],
    ['`${bigint}`', ['12', '-1'], ['1.5', 'x']],
    ['`${boolean}!`', ['true!', 'false!'], ['yes!']],
    ['`x${number}` | string', ['anything'], [1]],
  ];
  for (const [type, valid, invalid] of cases) {
    it(`keep their form: ${type}`, () => {
      const schema = fieldOf(`readonly a: ${type}`);
      expect(valid.filter((value) => !accepts(schema, value))).to.deep.equal([]);
      expect(invalid.filter((value) => accepts(schema, value))).to.deep.equal([]);
    });
  }

  for (const type of ['Uppercase<string>', '`a${Lowercase<string>}`', "'x' | Uppercase<string>"]) {
    it(`are refused when no pattern says the same: ${type}`, () => {
      expect(() => fieldOf(`readonly a: ${type}`)).to.throw(
        /spec\.a is .*use string with @pattern/,
      );
    });
  }

  for (const type of [
    'Record<`app/${string}`, string>',
    'Readonly<Record<Uppercase<string>, string>>',
    '{ readonly [key: `app/${string}`]: string }',
  ]) {
    it(`are refused as keys of a map: ${type}`, () => {
      expect(() => fieldOf(`readonly a: ${type}`)).to.throw(
        /spec\.a has keys of the type .*use keys of the type string/,
      );
    });
  }
});

describe('aliases with tags', () => {
  const alias = '/** @minLength 3 */ type Name = string;\n/** @maximum 5 */ type Few = number;';
  for (const type of ["Name | 'x'", 'Name | Few', 'Box<Name>', 'Name | Other | null']) {
    it(`are refused where their tags would be lost: ${type}`, () => {
      expect(() =>
        fieldOf(
          `readonly a: ${type}`,
          `${alias}\ninterface Box<T> { readonly v: T }\ntype Other = string;`,
        ),
      ).to.throw(/spec\.a uses Name, whose tags .*are lost in this type/);
    });
  }

  it('keep them in lists, maps and with null', () => {
    const schema = fieldOf('readonly a: readonly (Name | null)[]', alias);
    expect(schema.items).to.deep.include({ minLength: 3, nullable: true });
    expect(fieldOf('readonly a: Record<string, Name>', alias).additionalProperties).to.deep.include(
      {
        minLength: 3,
      },
    );
  });
});

describe('a default', () => {
  it('of null is refused, because the API server sets none', () => {
    for (const type of ['string | null', 'number | null', '{ x?: string } | null']) {
      expect(() => fieldOf(`/** @default null */ readonly a: ${type}`)).to.throw(
        'spec.a: @default cannot be null: the API server sets no such default; remove the tag',
      );
    }
  });

  it('in quotes is the string that they enclose, or is refused', () => {
    expect(fieldOf('/** @default "auto" */ readonly a: string').default).to.equal('auto');
    expect(fieldOf("/** @default it's */ readonly a: string").default).to.equal("it's");
    for (const quoted of ["'auto'", '`auto`', "''"]) {
      expect(() => fieldOf(`/** @default ${quoted} */ readonly a: string`)).to.throw(
        `spec.a: @default has the quotes of ${quoted}, which would be part of the value: write strings without quotes, or in double quotes`,
      );
    }
  });
});
