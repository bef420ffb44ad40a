import { parseDuration, timeUntil } from 'autopilot-runtime';
import type { Context, Result } from '../generated/evaluating.ts';
import type { Deployment, DeploymentOutput } from '../generated/kinds.ts';
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
import type { CanaryDeploymentStatusInfo } from '../spec.ts';

/** Percent of the requests that the canary gets first. */
const FIRST_WEIGHT = 10;
/** Percent of the requests that each further step adds. */
const STEP_WEIGHT = 5;

interface Evaluation {
  readonly context: Context;
  readonly info: CanaryDeploymentStatusInfo;
  readonly canary: Deployment;
  /** The canary as the target defines it: a manual change of the canary is never promoted. */
  readonly desiredCanary: DeploymentOutput;
}

/**
 * Gives the canary a larger share of the requests after each interval in which enough of its
 * requests succeeded. An interval with too few requests is neither a success nor a failure.
 */
export async function sync(context: Context): Promise<Result> {
  const { resource, inputs } = context;
  const info = infoOf(resource);
  const { target, primary, canary } = copiesIn(inputs.deployments, resource);
  if (target === undefined || primary === undefined || canary === undefined) {
    return rollBack(info, 'the Deployment or one of its copies was deleted');
  }
  if (revisionOf(target) !== revisionIn(canary)) {
    return rollBack(info, 'the Deployment changed during the evaluation');
  }

  const desiredCanary = copyOf(target, 'canary', { replicas: replicasOf(primary) });
  const evaluation: Evaluation = { context, info, canary, desiredCanary };
  return checkPods(evaluation) ?? (await checkRequests(evaluation)) ?? nextStep(evaluation);
}

/** Sends the first requests when the Pods are ready. Undefined: the canary already has requests. */
function checkPods(evaluation: Evaluation): Result | undefined {
  const { info, canary } = evaluation;
  const rollout = rolloutOf(canary);
  const available = canary.status?.availableReplicas ?? 0;
  if (rollout === 'failed') {
    return rollBack(info, 'the rollout of the canary failed: its Pods did not become ready');
  }
  if (info.weight !== 0) {
    return available === 0 ? rollBack(info, 'no Pod of the canary is ready any more') : undefined;
  }
  if (rollout !== 'complete' || available === 0) {
    return stay(evaluation, 'the Pods of the canary are not ready yet');
  }
  return stay(evaluation, 'the canary gets its first requests', {
    step: true,
    statusInfo: { ...info, weight: FIRST_WEIGHT },
  });
}

/** Measures the interval since the last step. Undefined: enough of its requests succeeded. */
async function checkRequests(evaluation: Evaluation): Promise<Result | undefined> {
  const { context, info, canary } = evaluation;
  const { metrics, resource } = context;
  const { successThreshold, measurementInterval, minRequests = 10, reporter } = resource.spec;

  const requeueAfter = timeUntil(context, measurementInterval);
  if (requeueAfter !== undefined) {
    return stay(evaluation, 'measuring', { requeueAfter });
  }

  const query = {
    name: canary.metadata.name,
    interval: measurementInterval,
    ...(reporter && { reporter }),
  };
  const count = await metrics.istioRequestCount(query);
  if (count.type !== 'value' || count.value < minRequests) {
    return stay(evaluation, `fewer than ${minRequests} requests in ${measurementInterval}`, {
      requeueAfter: measurementInterval,
    });
  }
  const rate = await metrics.istioSuccessRate(query);
  if (rate.type !== 'value') {
    return stay(evaluation, 'the success rate is unknown');
  }
  if (rate.value < successThreshold) {
    const percent = Math.floor(rate.value * 100) / 100;
    return rollBack(
      info,
      `success rate ${percent} % is less than spec.successThreshold ${successThreshold} %`,
    );
  }
  return undefined;
}

/** Counts the interval as passed. Promotes the canary after `analysisPeriod`. */
function nextStep(evaluation: Evaluation): Result {
  const { context, info } = evaluation;
  const { measurementInterval, analysisPeriod } = context.resource.spec;
  const passed = info.passed + 1;
  if (passed * parseDuration(measurementInterval) >= parseDuration(analysisPeriod)) {
    return { next: 'Promoting', statusInfo: { ...info, passed } };
  }
  return stay(evaluation, 'the success rate is high enough', {
    step: true,
    statusInfo: { ...info, passed, weight: Math.min(100, info.weight + STEP_WEIGHT) },
  });
}

function rollBack(info: CanaryDeploymentStatusInfo, verdict: string): Result {
  return { next: 'RollBack', message: verdict, statusInfo: { ...info, verdict } };
}

/** Stays in Evaluating. A step sets the new weight in `more.statusInfo`. */
function stay(evaluation: Evaluation, message: string, more: Partial<Result> = {}): Result {
  const { context, info, desiredCanary } = evaluation;
  const weight = more.statusInfo?.weight ?? info.weight;
  return {
    next: 'Evaluating',
    message: `${weight} %: ${message}`,
    outputs: { virtualservices: [split(context, weight)], deployments: [desiredCanary] },
    ...more,
  };
}
