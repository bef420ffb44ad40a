/** The API server's own log of requests: who asked for what, and what was answered. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface AuditEvent {
  readonly verb: string;
  readonly code: number;
  readonly group: string;
  /** `autoroutes/status` */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
}

const POLICY = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules: [{ level: 'Metadata' }] };

export function auditFlags(folder: string): readonly string[] {
  const policy = join(folder, 'audit-policy.json');
  writeFileSync(policy, JSON.stringify(POLICY));
  return [`--audit-policy-file=${policy}`, `--audit-log-path=${join(folder, 'audit.log')}`, '--audit-log-mode=blocking'];
}

export function readAudit(folder: string, user: string): readonly AuditEvent[] {
  const lines = readFileSync(join(folder, 'audit.log'), 'utf8').split('\n');
  return lines
    .filter((line) => line.includes(`"${user}"`))
    .map((line) => JSON.parse(line) as Logged)
    .filter((event) => event.user.username === user && event.objectRef !== undefined)
    .map(({ verb, responseStatus, objectRef: { apiGroup = '', resource, subresource, namespace, name } = { resource: '' } }) => ({
      verb,
      code: responseStatus?.code ?? 0,
      group: apiGroup,
      resource: subresource === undefined ? resource : `${resource}/${subresource}`,
      ...(namespace !== undefined && { namespace }),
      ...(name !== undefined && { name }),
    }));
}

interface Logged {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly responseStatus?: { readonly code: number };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
}
