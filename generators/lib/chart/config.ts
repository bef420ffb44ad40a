/** autopilot-operator.yaml as values of the chart: `config`, and `watchNamespaces`, which the chart turns into rights too. */
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { operatorConfigSchema } from '../operator-config.ts';
import type { Schema } from './shapes.ts';

export interface ConfigValues {
  /** YAML, with the comments of the file. */
  readonly text: string;
  readonly watchNamespaces: readonly string[];
}

export function configValues(operatorConfigText: string): ConfigValues {
  const document = parseDocument(operatorConfigText);
  const watched = document.get('watchNamespace') as string | undefined;
  if (document.contents === null) return { text: '{}', watchNamespaces: [] };
  if (watched === undefined) return { text: operatorConfigText.trimEnd(), watchNamespaces: [] };
  document.delete('watchNamespace');
  return {
    text: document.toString({ lineWidth: 0 }).trimEnd(),
    watchNamespaces: watched
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  };
}

/** The same definition that checks the file. @param userConfig of the section `config` within it, which is the user's own */
export function configSchema(userConfig?: object): Schema {
  const { $schema: _, ...schema } = z.toJSONSchema(operatorConfigSchema, { target: 'draft-7', io: 'input' });
  if (userConfig === undefined) return schema;
  return { ...schema, properties: { ...schema.properties, config: withoutExtensions(userConfig) } };
}

/** Kubernetes' own keywords mean nothing to Helm. */
function withoutExtensions(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutExtensions);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(([key]) => !key.startsWith('x-kubernetes-') && key !== 'nullable');
  return Object.fromEntries(kept.map(([key, value]) => [key, key === 'default' || key === 'enum' ? value : withoutExtensions(value)]));
}

/** Keys whose change the running operator takes from the file: no new Pods for them. LIVE in the runtime's operator/config.ts. */
export const LIVE_KEYS = ['workInterval', 'workerTimeout', 'paused', 'config', 'metrics', 'logLevel'] as const;
