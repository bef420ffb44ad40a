/**
 * Warns of secrets in autopilot-operator.yaml: in a cluster the file is a ConfigMap, which more
 * people may read than a Secret.
 */
import type { Logger } from '../api/worker.ts';
import type { OperatorSettings } from './config.ts';

/** Names of headers whose values are secrets. */
const SECRET_HEADER =
  /^(proxy-)?authorization$|^cookie$|(^|[-_])(token|key|apikey|secret|password)$/i;

/** Logs which headers of `metrics.headers` hold a secret. The message has no value. */
export function warnOfPlainSecrets({ metrics }: OperatorSettings, log: Logger): void {
  const headers = Object.keys(metrics.headers).filter((name) => SECRET_HEADER.test(name));
  if (headers.length > 0) {
    log.warn('metrics.headers holds secrets in plain text: use metrics.headerFiles', { headers });
  }
}
