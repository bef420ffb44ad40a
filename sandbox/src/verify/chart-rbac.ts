/**
 * The rights that a project's chart gives its operator, read without Helm: the rules it was
 * generated with, and those of its values.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { PolicyRule, PolicyRules } from '../cluster/rbac.ts';

export interface ChartPolicyRules {
  /** Undefined: they are not known, and the operator may do everything. */
  readonly policyRules: PolicyRules | undefined;
  /** Where they come from, or why they are not known. */
  readonly source: string;
}

interface ChartValues {
  readonly rbac?: { readonly extraRules?: readonly PolicyRule[] | null };
}

/** Never throws: a chart that is written in another way is no reason not to fly. */
export function readChartPolicyRules(dir: string, operatorName: string): ChartPolicyRules {
  const chart = `charts/${operatorName}`;
  const file = `${chart}/templates/_rules.tpl`;
  if (!existsSync(join(dir, file))) {
    return { policyRules: undefined, source: `with full access, because ${file} does not exist` };
  }
  try {
    const rules = parseRulesTemplate(
      readFileSync(join(dir, file), 'utf8'),
      `${operatorName}.rules`,
    );
    const values = existsSync(join(dir, chart, 'values.yaml'))
      ? (parse(readFileSync(join(dir, chart, 'values.yaml'), 'utf8')) as ChartValues | null)
      : null;
    return {
      policyRules: { cluster: [...rules, ...(values?.rbac?.extraRules ?? [])] },
      source: `with the RBAC rules of ${chart}`,
    };
  } catch (error) {
    return {
      policyRules: undefined,
      source: `with full access, because the rules in ${file} cannot be read without Helm: ${(error as Error).message}`,
    };
  }
}

/**
 * What a named template says whatever the values are. @throws Error when it is not there, or
 * depends on more than conditions
 */
function parseRulesTemplate(template: string, name: string): readonly PolicyRule[] {
  const lines = template.split('\n');
  const start = lines.findIndex((line) => line.includes(`define "${name}"`));
  if (start < 0) {
    throw new Error(`there is no template "${name}"`);
  }
  const kept: string[] = [];
  let depth = 0;
  for (const line of lines.slice(start + 1)) {
    const [, word] = /^\s*\{\{-?\s*(\w+)/.exec(line) ?? [];
    if (word === 'end' && --depth < 0) {
      break;
    }
    if (word === 'if' || word === 'with' || word === 'range') {
      depth++;
    }
    if (word !== undefined || depth > 0) {
      continue;
    }
    if (line.includes('{{')) {
      throw new Error(`'${line.trim()}' depends on values`);
    }
    kept.push(line);
  }
  const rules: unknown = parse(kept.join('\n'));
  if (!Array.isArray(rules)) {
    throw new Error('it is no list of rules');
  }
  return rules as readonly PolicyRule[];
}
