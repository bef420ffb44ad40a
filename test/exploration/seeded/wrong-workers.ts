/** Workers with a seeded bug: mistakes that show no effect until a fault occurs. */
import type { AnyContext, KubeObject } from '../../../runtime/src/internal.ts';
import { droneOf, left, lift, noteOf, progress, weightOf } from './lift.ts';
import type { Workers } from './lift.ts';
import type { ReleaseWorkers } from './release.ts';
import { claimRoute, measure, release } from './release.ts';

/** Workers with a seeded bug, by what is wrong. Each is created for one process. */
export const wrongWorkers: Readonly<Record<string, () => Partial<Workers>>> = {
  'keeps its progress in memory': () => {
    let weight = 0;
    return {
      Stepping: (context) => {
        if (left(context) > 0) {
          return { next: 'Stepping', outputs: { configmaps: [progress(context, weight)] } };
        }
        if (weight >= 30) {
          return { next: 'Cleaning' };
        }
        weight += 10;
        return {
          next: 'Stepping',
          step: true,
          statusInfo: { weight },
          outputs: { configmaps: [progress(context, weight)] },
        };
      },
    };
  },
  // @promise reconcile/steps
  'steps whenever it is called': () => ({
    Stepping: (context) => {
      const weight = weightOf(context) + 10;
      if (weight > 30) {
        return { next: 'Cleaning' };
      }
      return {
        next: 'Stepping',
        step: true,
        requeueAfter: '60s',
        statusInfo: { weight },
        outputs: { configmaps: [progress(context, weight)] },
      };
    },
  }),
  'waits for a timer of its own process': () => {
    const armed = new Set<string>();
    return {
      Stepping: (context) => {
        const { uid = '' } = context.resource.metadata;
        if ((context.resource.status as { armed?: boolean }).armed !== true) {
          armed.add(uid);
          return { next: 'Stepping', statusInfo: { weight: 0, armed: true }, requeueAfter: '60s' };
        }
        return armed.has(uid) ? { next: 'Cleaning' } : { next: 'Stepping', requeueAfter: '60s' };
      },
    };
  },
  'chooses a random name for an output': () => ({
    Stepping: (context) => ({
      next: 'Cleaning',
      outputs: { configmaps: [progress(context, 0, `p${Math.floor(Math.random() * 1000)}`)] },
    }),
  }),
  'writes the time into an output': () => ({
    Stepping: (context) => ({
      next: 'Stepping',
      outputs: { configmaps: [progress(context, context.now.getTime())] },
    }),
  }),
  'returns an input as an output': () => ({
    Stepping: ({ inputs }) => ({
      next: 'Cleaning',
      outputs: { configmaps: [inputs['configmaps']?.require('settings') as KubeObject] },
    }),
  }),
  'relies on how often it was called': () => {
    let calls = 0;
    return {
      Preparing: (context) =>
        ++calls > 1 ? { ...result(context), statusInfo: { weight: 5 } } : result(context),
    };
  },
  'deletes only outputs that it remembers': () => {
    let made = false;
    return {
      Stepping: (context) => {
        const next = left(context) > 0 ? 'Stepping' : 'Cleaning';
        made = true;
        return { next, outputs: { configmaps: [progress(context, 10)] } };
      },
      Cleaning: () => (made ? { next: 'Done', outputs: { configmaps: [] } } : { next: 'Done' }),
    };
  },
  'reads the clock by itself': () => ({
    Stepping: (context) =>
      Date.now() - context.phaseStartedAt.getTime() < 60_000
        ? { next: 'Stepping' }
        : { next: 'Cleaning' },
  }),
  'writes two dependent outputs one after the other': () => ({
    Stepping: (context) => {
      const weight = weightOf(context) + 10;
      if (weight > 30) {
        return { next: 'Cleaning' };
      }
      const halves = [
        progress(context, weight),
        progress(context, weight, 'canary'),
        progress(context, 100 - weight, 'primary'),
      ];
      return left(context) > 0
        ? { next: 'Stepping' }
        : { next: 'Stepping', step: true, statusInfo: { weight }, outputs: { configmaps: halves } };
    },
  }),
  'names an output after the time': () => ({
    Preparing: (context) => {
      const { next, ...rest } = result(context);
      const note = noteOf(`one-at-${Math.floor(context.now.getTime() / 1000)}`, 80);
      return { next, ...rest, outputs: { ...rest.outputs, notes: [note] } };
    },
  }),
  'takes its own output for an existing object': () => ({
    Stepping: (context) => {
      const { name } = context.resource.metadata;
      const there = context.inputs['configmaps']?.get(`${name}-progress`) !== undefined;
      if (there && weightOf(context) === 0) {
        return { next: 'Stepping', outputs: { configmaps: [progress(context, 10)] } };
      }
      if (weightOf(context) > 0) {
        return { next: 'Cleaning' };
      }
      return {
        next: 'Stepping',
        statusInfo: { weight: 10 },
        outputs: { configmaps: [progress(context, 10)] },
      };
    },
  }),
  'remembers the spec of its first call': () => {
    const first = new Map<string, number>();
    return {
      Preparing: (context) => {
        const { uid = '' } = context.resource.metadata;
        const size = first.get(uid) ?? droneOf(context).spec.size ?? 1;
        first.set(uid, size);
        return result({ ...context, resource: { ...context.resource, spec: { size } } });
      },
    };
  },
};

interface RoutedObject extends KubeObject {
  readonly spec: { readonly http: readonly [{ readonly route: readonly { weight?: number }[] }] };
}

/** Workers of the operator that releases a version, with a seeded bug. */
export const wrongReleases: Readonly<Record<string, () => Partial<ReleaseWorkers>>> = {
  'passes silence as success': () => ({
    Measuring: (context) =>
      measure(context, (result) => result.type !== 'value' || result.value >= 99),
  }),
  'takes NaN for a failure': () => ({
    Measuring: (context) =>
      measure(context, (result) => {
        if (result.type === 'noData') {
          return undefined;
        }
        return result.type === 'value' && result.value >= 99;
      }),
  }),
  'gives up when Prometheus is unreachable': () => ({
    Measuring: async (context) => {
      try {
        return await release().Measuring(context);
      } catch {
        return { next: 'Failed' };
      }
    },
  }),
  'claims the value that it finds': () => ({
    Serving: (context) => {
      const found = context.inputs['virtualservices']?.require('web') as RoutedObject;
      const [{ route }] = found.spec.http;
      const isMeasured = route[0]?.weight === 50;
      const claim = isMeasured
        ? claimRoute(context, 100)
        : claimRoute(context, route[1]?.weight ?? 0);
      return { next: 'Serving', outputs: { virtualservices: [claim] } };
    },
  }),
  'is ready while requests are lost': () => ({
    Serving: (context) => ({
      next: 'Serving',
      outputs: { virtualservices: [claimRoute(context, 100, 'newest')] },
    }),
  }),
};

/** The result of the correct worker of Preparing. */
function result(context: AnyContext) {
  return lift().Preparing(context) as Exclude<ReturnType<Workers['Preparing']>, Promise<unknown>>;
}
