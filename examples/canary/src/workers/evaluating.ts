import { parseDuration, timeUntil } from 'autopilot-runtime';
import type { Context, Result } from '../generated/evaluating.ts';
import {
  copiesIn,
  copyOf,
  infoOf,
  replicasOf,
  revisionIn,
  revisionOf,
  rolloutOf,
} from '../release.ts';
import { split } from '../route.ts';

const FIRST_WEIGHT = 10;
const STEP_WEIGHT = 5;

/**
 * One step for each interval in which enough requests were answered well. Silence is neither
 * success nor failure.
 */
export async function sync(context: Context): Promise<Result> {
  const { resource, inputs, metrics } = context;
  const {
    successThreshold,
    measurementInterval,
    analysisPeriod,
    minRequests = 10,
    reporter,
  } = resource.spec;
  const info = infoOf(resource);
  const { target, primary, canary } = copiesIn(inputs.deployments, resource);

  const rollBack = (verdict: string): Result => ({
    next: 'RollBack',
    message: verdict,
    statusInfo: { ...info, verdict },
  });
  if (target === undefined || primary === undefined || canary === undefined) {
    return rollBack('somebody has deleted the Deployment or a copy of it');
  }
  if (revisionOf(target) !== revisionIn(canary)) {
    return rollBack('the Deployment has changed meanwhile');
  }
  // With the canary as it is to be: what somebody changes in it by hand must not be promoted.
  const deployments = [copyOf(target, 'canary', { replicas: replicasOf(primary) })];
  const stay = (message: string, more: Partial<Result> = {}): Result => {
    const weight = more.statusInfo?.weight ?? info.weight;
    return {
      next: 'Evaluating',
      message: `${weight} %: ${message}`,
      outputs: { virtualservices: [split(context, weight)], deployments },
      ...more,
    };
  };

  const rollout = rolloutOf(canary);
  const available = canary.status?.availableReplicas ?? 0;
  if (rollout === 'failed') {
    return rollBack('its Pods do not become ready');
  }
  if (info.weight === 0) {
    if (rollout !== 'complete' || available === 0) {
      return stay('its Pods are not ready yet');
    }
    return stay('the first requests', {
      step: true,
      statusInfo: { ...info, weight: FIRST_WEIGHT },
    });
  }
  if (available === 0) {
    return rollBack('none of its Pods is ready any more');
  }

  const requeueAfter = timeUntil(context, measurementInterval);
  if (requeueAfter !== undefined) {
    return stay('measuring', { requeueAfter });
  }
  const asked = {
    name: canary.metadata.name,
    interval: measurementInterval,
    ...(reporter && { reporter }),
  };
  const count = await metrics.istioRequestCount(asked);
  if (count.type !== 'value' || count.value < minRequests) {
    return stay(`fewer than ${minRequests} requests in ${measurementInterval}`, {
      requeueAfter: measurementInterval,
    });
  }
  const rate = await metrics.istioSuccessRate(asked);
  if (rate.type !== 'value') {
    return stay('its success rate is not known');
  }
  if (rate.value < successThreshold) {
    return rollBack(
      `${Math.floor(rate.value * 100) / 100} % of its requests went well, ${successThreshold} % are asked for`,
    );
  }

  const passed = info.passed + 1;
  if (passed * parseDuration(measurementInterval) >= parseDuration(analysisPeriod)) {
    return { next: 'Promoting', statusInfo: { ...info, passed } };
  }
  return stay('all well', {
    step: true,
    statusInfo: { ...info, passed, weight: Math.min(100, info.weight + STEP_WEIGHT) },
  });
}
