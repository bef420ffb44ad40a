/**
 * Reads the RBAC rules that a project's chart grants its operator, without Helm: the generated
 * rules and `rbac.extraRules` of the values.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { PolicyRule, PolicyRules } from '../cluster/rbac.ts';

/** RBAC rules of a chart. */
export interface ChartPolicyRules {
  /** The rules. Undefined: they cannot be read, and the operator may do everything. */
  readonly policyRules: PolicyRules | undefined;
  /** Where the rules come from, or why they cannot be read, for the first line of the report. */
  readonly source: string;
}

interface ChartValues {
  readonly rbac?: { readonly extraRules?: readonly PolicyRule[] | null };
}

/**
 * Reads the rules of the chart `charts/<operatorName>`. Does not throw: a chart that cannot be read
 * without Helm does not prevent exploration.
 *
 * @param dir folder of the project.
 */
export function readChartPolicyRules(dir: string, operatorName: string): ChartPolicyRules {
  const chart = `charts/${operatorName}`;
  const file = `${chart}/templates/_rules.tpl`;
  if (!existsSync(join(dir, file))) {
    return { policyRules: undefined, source: `with full access, because ${file} does not exist` };
  }
  try {
    const template = readFileSync(join(dir, file), 'utf8');
    const rules = parseRulesTemplate(template, `${operatorName}.rules`);
    const extraRules = readExtraRules(join(dir, chart, 'values.yaml'));
    return {
      policyRules: { cluster: [...rules, ...extraRules] },
      source: `with the RBAC rules of ${chart}`,
    };
  } catch (error) {
    return {
      policyRules: undefined,
      source: `with full access, because the rules in ${file} cannot be read without Helm: ${(error as Error).message}`,
    };
  }
}

function readExtraRules(file: string): readonly PolicyRule[] {
  if (!existsSync(file)) {
    return [];
  }
  const values = parse(readFileSync(file, 'utf8')) as ChartValues | null;
  return values?.rbac?.extraRules ?? [];
}

/**
 * Reads the rules that a named template contains for all values: lines inside of `if`, `with` and
 * `range` are skipped.
 *
 * @throws Error when the template does not exist or a rule depends on values.
 */
function parseRulesTemplate(template: string, name: string): readonly PolicyRule[] {
  const lines = template.split('\n');
  const start = lines.findIndex((line) => line.includes(`define "${name}"`));
  if (start < 0) {
    throw new Error(`there is no template "${name}"`);
  }
  const rules: unknown = parse(unconditionalLines(lines.slice(start + 1)).join('\n'));
  if (!Array.isArray(rules)) {
    throw new Error(`the template "${name}" is not a list of rules`);
  }
  return rules as readonly PolicyRule[];
}

/** The lines up to the end of the template that are outside of conditions. */
function unconditionalLines(lines: readonly string[]): readonly string[] {
  const kept: string[] = [];
  let depth = 0;
  for (const line of lines) {
    const [, action] = /^\s*\{\{-?\s*(\w+)/.exec(line) ?? [];
    if (action === 'end') {
      depth--;
    }
    if (depth < 0) {
      return kept;
    }
    if (action === 'if' || action === 'with' || action === 'range') {
      depth++;
    }
    if (action !== undefined || depth > 0) {
      continue;
    }
    if (line.includes('{{')) {
      throw new Error(`'${line.trim()}' depends on values`);
    }
    kept.push(line);
  }
  return kept;
}
