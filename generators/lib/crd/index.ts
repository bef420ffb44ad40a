/** The CustomResourceDefinition of a model: the user's types for spec and status, our fields beside them. */
import type { Model } from '../model.ts';
import { schemasOf } from './schema.ts';
import { toStructural } from './structural.ts';

/** Fields of status that are ours; a StatusInfo must not have them (runtime/src/machine/resource.ts). */
const OURS = ['phase', 'observedGeneration', 'conditions', 'autopilot'];

/**
 * @param specFile absolute path of src/spec.ts, which exports `<Kind>Spec` and `<Kind>StatusInfo`.
 * @throws Error that names the file and the field that cannot be described.
 */
export async function crdOf(model: Model, specFile: string): Promise<object> {
  const { kind, group, version, plural, singular, scope } = model;
  const schemas = await schemasOf(specFile, [`${kind}Spec`, `${kind}StatusInfo`]);
  const spec = structural(schemas.get(`${kind}Spec`) ?? {}, 'spec', specFile);
  const info = structural(schemas.get(`${kind}StatusInfo`) ?? {}, 'status', specFile);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular },
      scope,
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              ...(spec['required'] === undefined ? {} : { required: ['spec'] }),
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec,
                status: statusSchema(model, info, specFile),
              },
            },
          },
          subresources: { status: {} },
          additionalPrinterColumns: [
            { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
            { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
            { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason', priority: 1 },
            { name: 'Message', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message', priority: 1 },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
        },
      ],
    },
  };
}

function structural(schema: Parameters<typeof toStructural>[0], path: string, specFile: string): Record<string, unknown> {
  try {
    return toStructural(schema, path);
  } catch (error) {
    throw new Error(`${specFile}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * The default makes `kubectl get` show a phase at once, and observedGeneration -1 keeps waiting tools from taking an unseen resource for
 * a finished one. Nothing may be required at the top level: the API server refuses a default that lacks a required field.
 */
function statusSchema(model: Model, info: Record<string, unknown>, specFile: string): object {
  const fields = (info['properties'] ?? {}) as Record<string, unknown>;
  for (const name of OURS)
    if (name in fields)
      throw new Error(`${specFile}: ${model.kind}StatusInfo must not have a field '${name}': it is one of ours (${OURS.join(', ')}); choose another name`);
  const initial = model.phases.find((phase) => phase.initial)?.name ?? '';
  const names = model.phases.flatMap((phase) => [phase.name, ...phase.formerly]);
  const time = { type: 'string', format: 'date-time' };
  return {
    type: 'object',
    default: { observedGeneration: -1, phase: initial },
    properties: {
      phase: { type: 'string', enum: [...new Set(names)], description: 'The phase the resource is in.' },
      observedGeneration: { type: 'integer', format: 'int64', description: 'The generation of the spec that this phase acts on; -1: not seen yet.' },
      conditions: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
        items: {
          type: 'object',
          required: ['lastTransitionTime', 'message', 'reason', 'status', 'type'],
          properties: {
            type: { type: 'string', maxLength: 316 },
            status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
            observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
            lastTransitionTime: time,
            reason: { type: 'string', minLength: 1, maxLength: 1024 },
            message: { type: 'string', maxLength: 32768 },
          },
        },
      },
      autopilot: {
        type: 'object',
        description: "The machine's own notes.",
        'x-kubernetes-preserve-unknown-fields': true,
        properties: {
          phaseStartedAt: time,
          lastStep: time,
          history: {
            type: 'array',
            'x-kubernetes-list-type': 'atomic',
            items: { type: 'object', properties: { from: { type: 'string' }, to: { type: 'string' }, at: time, reason: { type: 'string' } } },
          },
        },
      },
      ...fields,
    },
  };
}
