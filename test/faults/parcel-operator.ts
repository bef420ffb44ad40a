/**
 * The operator of the fault tests, a generated project with everything that faults can break: a
 * cached input from which an output is made, timed steps, outputs that are pruned and repaired, and
 * a finalizer. `workInterval` is one hour, so that a lost watch event shows.
 */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { generateProject } from '../../generators/lib/index.ts';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import type { KubeObject, ResourceType } from '../../runtime/src/internal.ts';

export const OPERATOR = 'parcel-operator';
export const PARCELS: ResourceType = {
  group: 'faults.autopilot.test',
  version: 'v1',
  kind: 'Parcel',
  plural: 'parcels',
  namespaced: true,
};
export const LAST_PHASE = 'Delivered';
/** Allowed transitions. */
export const NEXT: Readonly<Record<string, readonly string[]>> = {
  Packing: ['Sending'],
  Sending: ['Delivered', 'Packing'],
  Delivered: ['Packing'],
};

const PROJECT = `
kind: ${PARCELS.kind}
apiVersion: ${PARCELS.group}/${PARCELS.version}
operatorName: ${OPERATOR}
phases:
  - name: Packing
    initial: true
    outputs: [{ name: configmaps, prune: true }]
    next: [Sending]
  - name: Sending
    onSpecChange: Packing
    inputs: [configmaps]
    next: [Delivered, Packing]
  - name: Delivered
    ready: true
    onSpecChange: Packing
    inputs: [configmaps]
    outputs: [{ name: configmaps, prune: true }, { name: services, prune: true }]
    next: [Packing]
finalizer: {}
`;

const SPEC = `
import type { Int32 } from 'autopilot-runtime';

export interface ParcelSpec {
  readonly colour: string;
}

export interface ParcelStatusInfo {
  readonly legs: Int32;
  readonly colour: string;
  /** What the receipt says; empty until there is one. */
  readonly receipt: string;
}
`;

/** Logs the begin and the end of each worker call, to check that no two of a resource overlap. */
const NOTED = `
import { setTimeout as pause } from 'node:timers/promises';

interface Told {
  readonly log: { info(message: string, fields?: Readonly<Record<string, unknown>>): void };
  readonly resource: { readonly metadata: { readonly uid?: string } };
}

export async function noted<R>({ log, resource }: Told, work: () => R): Promise<R> {
  const { uid } = resource.metadata;
  log.info('begin', { uid, at: Number(process.hrtime.bigint() / 1000n) });
  try {
    await pause(5);
    return work();
  } finally {
    log.info('end', { uid, at: Number(process.hrtime.bigint() / 1000n) });
  }
}
`;

const BOXES = `
export const boxOf = (name: string, colour: string) =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: name + '-box' }, data: { colour } }) as const;
`;

const PACKING = `
import { boxOf } from '../boxes.ts';
import type { Context, Result } from '../generated/packing.ts';
import { noted } from '../noted.ts';

export const sync = (context: Context): Promise<Result> =>
  noted(context, () => {
    const { metadata, spec } = context.resource;
    const outputs = { configmaps: [boxOf(metadata.name, spec.colour)] };
    const statusInfo = { legs: 0, colour: spec.colour, receipt: '' };
    return { next: 'Sending', outputs, statusInfo };
  });
`;

const SENDING = `
import { timeUntil } from 'autopilot-runtime';
import type { Context, Result } from '../generated/sending.ts';
import { noted } from '../noted.ts';

const LEGS = 2;

export const sync = (context: Context): Promise<Result> =>
  noted(context, () => {
    const { metadata, status } = context.resource;
    const { legs = 0 } = status ?? {};
    const colour = context.inputs.configmaps.get(metadata.name + '-box')?.data?.['colour'];
    if (colour === undefined) return { next: 'Packing' };
    if (legs >= LEGS) return { next: 'Delivered' };
    const requeueAfter = timeUntil(context, '1s');
    if (requeueAfter !== undefined) return { next: 'Sending', requeueAfter };
    const statusInfo = { legs: legs + 1, colour, receipt: '' };
    return { next: 'Sending', step: true, statusInfo, requeueAfter: '10ms' };
  });
`;

const DELIVERED = `
import { boxOf } from '../boxes.ts';
import type { Context, Result } from '../generated/delivered.ts';
import { noted } from '../noted.ts';

/** The receipt contains the colour of the box in the cache. */
export const sync = (context: Context): Promise<Result> =>
  noted(context, () => {
    const { metadata, spec, status } = context.resource;
    const { legs = 0 } = status ?? {};
    const { name } = metadata;
    const found = context.inputs.configmaps.get(name + '-box')?.data?.['colour'];
    if (found === undefined) return { next: 'Packing' };
    const receipt = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: name + '-receipt' },
      data: { found },
    } as const;
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: { parcel: name }, ports: [{ port: 80 }] },
    } as const;
    const outputs = { configmaps: [boxOf(name, spec.colour), receipt], services: [service] };
    const statusInfo = { legs, colour: spec.colour, receipt: found };
    return { next: 'Delivered', outputs, statusInfo };
  });
`;

const FINALIZER = `
import type { Context, Result } from './generated/finalizer.ts';
import { noted } from './noted.ts';

export const finalize = (context: Context): Promise<Result> =>
  noted(context, () => ({ done: true }));
`;

/** @param dir an empty folder */
export async function createParcelOperator(dir: string): Promise<void> {
  const seed = Object.entries({
    'src/spec.ts': SPEC,
    'src/noted.ts': NOTED,
    'src/boxes.ts': BOXES,
    'src/workers/packing.ts': PACKING,
    'src/workers/sending.ts': SENDING,
    'src/workers/delivered.ts': DELIVERED,
    'src/finalizer.ts': FINALIZER,
  }).map(([path, content]) => ({ path, content, ownership: 'user-owned' as const }));
  await generateProject(dir, { projectText: PROJECT, seed, runtime: 'registry' });
  symlinkSync(join(packageRoot, 'node_modules'), join(dir, 'node_modules'));
}

export function parcel(namespace: string, name: string, colour: string): KubeObject {
  return {
    apiVersion: `${PARCELS.group}/${PARCELS.version}`,
    kind: PARCELS.kind,
    metadata: { namespace, name },
    spec: { colour },
  };
}
