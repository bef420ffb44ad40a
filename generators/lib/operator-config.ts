/** autopilot-operator.yaml: how the operator runs. The same file is read by the runtime; here it is checked and its first text made. */
import { z } from 'zod';
import { parseYaml, problemText, validate } from './problems.ts';

const duration = z.string().regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, "must be a duration such as '5s'");

export const operatorConfigSchema = z.strictObject({
  version: z.string().optional(),
  meshProvider: z.union([z.enum(['Istio', 'Custom']), z.literal(0), z.literal(1)]).optional(),
  controlPlaneNs: z.string().optional(),
  workInterval: duration.optional(),
  metricsAddr: z.string().optional(),
  enableLeaderElection: z.boolean().optional(),
  watchNamespace: z.string().optional(),
  leaderElectionNamespace: z.string().optional(),
  logLevel: z.union([z.number().int().min(0).max(6), z.enum(['Debug', 'Info', 'Warn', 'Error', 'DPanic', 'Panic', 'Fatal'])]).optional(),
  maxConcurrentSyncs: z.number().int().min(1).optional(),
  workerTimeout: duration.optional(),
  paused: z.boolean().optional(),
  metrics: z
    .strictObject({
      address: z.string().optional(),
      bearerTokenFile: z.string().optional(),
      caFile: z.string().optional(),
      headers: z.record(z.string(), z.string()).optional(),
      timeout: duration.optional(),
    })
    .optional(),
  config: z.record(z.string(), z.unknown()).optional(),
});

export type OperatorConfigDocument = z.infer<typeof operatorConfigSchema>;

export const operatorConfigText = `# How the operator runs. What is left out has the default shown; environment variables win over this file.
# 'autopilot generate' copies it into the values of the chart.
version: 0.0.1
meshProvider: Istio
controlPlaneNs: istio-system
# The latest time of the next sync while a resource stays in a phase.
workInterval: 5s
metricsAddr: ":9091"
enableLeaderElection: true
# Debug, Info, Warn or Error.
logLevel: Info
`;

/** @throws Error that lists every problem of the text. */
export function loadOperatorConfig(text: string, file: string): OperatorConfigDocument {
  const yaml = parseYaml(text, file);
  const result =
    yaml.problems.length > 0
      ? { problems: yaml.problems }
      : validate(yaml, operatorConfigSchema, file, (path) => (path.length === 0 ? Object.keys(operatorConfigSchema.shape) : []));
  if ('problems' in result) throw new Error(result.problems.map(problemText).join('\n'));
  return result.value;
}
