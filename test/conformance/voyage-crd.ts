/** The suite's own kind: every way that fields merge, are defaulted and validated. */
import type { ResourceType } from '../../runtime/src/internal.ts';

export const VOYAGES: ResourceType = {
  group: 'conformance.autopilot.test',
  version: 'v1',
  kind: 'Voyage',
  plural: 'voyages',
  namespaced: true,
};

const text = { type: 'string' };
const number = { type: 'integer' };
const status = {
  type: 'object',
  properties: {
    phase: text,
    seen: number,
    seats: number,
    selector: text,
    conditions: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: {
        type: 'object',
        required: ['type'],
        properties: { type: text, status: text, reason: text },
      },
    },
  },
};

export const VOYAGE_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'voyages.conformance.autopilot.test' },
  spec: {
    group: VOYAGES.group,
    names: { kind: 'Voyage', plural: 'voyages', singular: 'voyage', listKind: 'VoyageList' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: {
            specReplicasPath: '.spec.seats',
            statusReplicasPath: '.status.seats',
            labelSelectorPath: '.status.selector',
          },
        },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['route'],
                properties: {
                  route: { type: 'string', pattern: '^[A-Z]{3}-[A-Z]{3}$' },
                  altitude: { type: 'integer', minimum: 0, maximum: 500, default: 100 },
                  mode: { type: 'string', enum: ['visual', 'instrument'] },
                  note: { type: 'string', maxLength: 10, nullable: true },
                  company: { type: 'object', additionalProperties: text },
                  tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
                  stops: { type: 'array', items: text, maxItems: 3 },
                  legs: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: {
                        name: text,
                        from: text,
                        to: text,
                        hours: { type: 'integer', default: 1 },
                      },
                    },
                  },
                  limit: { 'x-kubernetes-int-or-string': true },
                  extra: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  seats: number,
                  badge: {
                    type: 'object',
                    'x-kubernetes-map-type': 'atomic',
                    properties: { one: text, two: text },
                  },
                  plan: {
                    type: 'object',
                    properties: {
                      left: text,
                      right: text,
                      deep: { type: 'object', properties: { left: text, right: text } },
                    },
                  },
                  gates: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['number', 'hall'],
                    items: {
                      type: 'object',
                      required: ['number'],
                      properties: {
                        number: number,
                        hall: { type: 'string', default: 'A' },
                        desks: {
                          type: 'array',
                          'x-kubernetes-list-type': 'map',
                          'x-kubernetes-list-map-keys': ['name'],
                          items: {
                            type: 'object',
                            required: ['name'],
                            properties: { name: text, open: { type: 'boolean' } },
                          },
                        },
                      },
                    },
                  },
                },
              },
              status,
            },
          },
        },
      },
    ],
  },
};
