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

/** A rule of an audit policy (audit.k8s.io/v1). */
export interface AuditRule {
  readonly level: 'None' | 'Metadata' | 'Request';
  readonly verbs?: readonly string[];
  readonly resources?: readonly { readonly group: string; readonly resources: readonly string[] }[];
}

/** @param rules before the last one, which logs who, what and when of everything */
export function auditFlags(folder: string, rules: readonly AuditRule[]): readonly string[] {
  const policy = join(folder, 'audit-policy.json');
  const all = [...rules, { level: 'Metadata' }];
  writeFileSync(
    policy,
    JSON.stringify({
      apiVersion: 'audit.k8s.io/v1',
      kind: 'Policy',
      omitStages: ['RequestReceived'],
      rules: all,
    }),
  );
  // 0 would mean a new file after 100 MB.
  const size = '--audit-log-maxsize=100000';
  return [
    `--audit-policy-file=${policy}`,
    `--audit-log-path=${join(folder, 'audit.log')}`,
    '--audit-log-mode=blocking',
    size,
  ];
}

export function readAudit(folder: string, user: string): readonly AuditEvent[] {
  const lines = readFileSync(join(folder, 'audit.log'), 'utf8').split('\n');
  return lines
    .filter((line) => line.includes(`"${user}"`))
    .map((line) => JSON.parse(line) as Logged)
    .filter((event) => event.user.username === user && event.objectRef !== undefined)
    .map(
      ({
        verb,
        responseStatus,
        objectRef: { apiGroup = '', resource, subresource, namespace, name } = { resource: '' },
      }) => ({
        verb,
        code: responseStatus?.code ?? 0,
        group: apiGroup,
        resource: subresource === undefined ? resource : `${resource}/${subresource}`,
        ...(namespace !== undefined && { namespace }),
        ...(name !== undefined && { name }),
      }),
    );
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
