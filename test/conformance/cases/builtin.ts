import { expect } from 'chai';
import {
  CONFIG_MAPS,
  CORE_EVENTS,
  DEPLOYMENTS,
  EVENTS,
  failure,
  LEASES,
  SECRETS,
  SERVICES,
} from '../test-cluster.ts';
import type { Case } from './case.ts';

const labels = { app: 'a' };
const deployment = {
  spec: {
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: { containers: [{ name: 'web', image: 'a:1', ports: [{ containerPort: 80 }] }] },
    },
  },
};

export const builtinCases: readonly Case[] = [
  {
    name: 'a Lease has times to the microsecond, and changes by version only',
    async run(world) {
      const spec = {
        holderIdentity: 'one',
        leaseDurationSeconds: 15,
        acquireTime: '2026-01-01T00:00:00.123456Z',
        renewTime: '2026-01-01T00:00:00.123456Z',
        leaseTransitions: 0,
      };
      const made = await world.create(LEASES, world.object(LEASES, 'a', { spec }));
      expect(made.spec).to.deep.equal(spec);
      const renewed = await world.api.replace(LEASES, {
        ...made,
        spec: { ...spec, renewTime: '2026-01-01T00:00:05.000000Z' },
      } as never);
      expect((renewed as typeof made).spec.renewTime).to.equal('2026-01-01T00:00:05.000000Z');
      expect((await failure(world.api.replace(LEASES, made))).code).to.equal(409);
    },
  },
  {
    name: 'a Lease refuses a time with three digits: 400',
    async run(world) {
      const call = world.create(
        LEASES,
        world.object(LEASES, 'a', { spec: { renewTime: '2026-01-01T00:00:00.123Z' } }),
      );
      expect((await failure(call)).code).to.equal(400);
    },
  },
  {
    name: 'a Lease refuses a duration of nothing: 422',
    async run(world) {
      const { code, message } = await failure(
        world.create(LEASES, world.object(LEASES, 'a', { spec: { leaseDurationSeconds: 0 } })),
      );
      expect([
        code,
        message.includes('spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'),
      ]).to.deep.equal([422, true]);
    },
  },
  {
    name: 'an Event of events.k8s.io keeps its series and its times, and can be patched',
    async run(world) {
      const regarding = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: 'x',
        namespace: world.namespace,
      };
      const event = {
        eventTime: '2026-01-01T00:00:00.123456Z',
        type: 'Normal',
        reason: 'Moved',
        action: 'Reconcile',
        note: 'from a to b',
        reportingController: 'autopilot.test/x',
        reportingInstance: 'x-1',
        regarding,
      };
      const made = await world.create(EVENTS, world.object(EVENTS, 'a', event));
      expect(made).to.deep.include(event);
      const series = { count: 2, lastObservedTime: '2026-01-01T00:01:00.000000Z' };
      expect(await world.merge(EVENTS, 'a', { series })).to.deep.include({ series });
    },
  },
  {
    name: 'an Event of one API is seen, changed, watched and deleted through the other',
    async run(world) {
      const about = { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', namespace: world.namespace };
      const reporter = {
        reportingInstance: 'x-1',
        action: 'Reconcile',
        reason: 'Moved',
        type: 'Normal',
        eventTime: '2026-01-01T00:00:00.123456Z',
      };
      await world.create(
        EVENTS,
        world.object(EVENTS, 'new', {
          ...reporter,
          regarding: about,
          note: 'from a to b',
          reportingController: 'autopilot.test/x',
        }),
      );
      expect(await world.get(CORE_EVENTS, 'new')).to.deep.include({
        ...reporter,
        apiVersion: 'v1',
        involvedObject: about,
        message: 'from a to b',
        reportingComponent: 'autopilot.test/x',
      });
      const { resourceVersion = '' } = (
        await world.merge(CORE_EVENTS, 'new', { message: 'once more', count: 2 })
      ).metadata;
      expect(await world.get(EVENTS, 'new')).to.deep.include({
        note: 'once more',
        deprecatedCount: 2,
      });
      const times = {
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:01:00Z',
        count: 3,
      };
      const old = {
        involvedObject: { ...about, name: 'y' },
        message: 'hello',
        source: { component: 'kubelet' },
        ...times,
      };
      expect(
        await world.create(CORE_EVENTS, world.object(CORE_EVENTS, 'old', old)),
      ).to.deep.include({ ...old, apiVersion: 'v1' });
      expect(await world.watched(CORE_EVENTS, { resourceVersion }, 1)).to.deep.equal(['ADDED old']);
      expect(await world.watched(EVENTS, { resourceVersion }, 1)).to.deep.equal(['ADDED old']);
      expect(await world.get(EVENTS, 'old')).to.deep.include({
        note: 'hello',
        deprecatedSource: old.source,
        deprecatedLastTimestamp: times.lastTimestamp,
      });
      expect(await world.names(CORE_EVENTS)).to.deep.equal(['new', 'old']);
      await world.api.delete(CORE_EVENTS, world.key('new'));
      expect(await world.names(EVENTS)).to.deep.equal(['old']);
    },
  },
  {
    name: 'Events can be asked for by what they are about, in the words of each API',
    async run(world) {
      for (const name of ['a', 'b']) {
        await world.create(
          CORE_EVENTS,
          world.object(CORE_EVENTS, name, {
            involvedObject: { kind: 'ConfigMap', name, namespace: world.namespace },
            type: 'Normal',
          }),
        );
      }
      expect(
        await world.names(CORE_EVENTS, {
          fieldSelector: `involvedObject.name=b,involvedObject.namespace=${world.namespace},type!=Warning`,
        }),
      ).to.deep.equal(['b']);
      expect(
        await world.names(EVENTS, { fieldSelector: 'regarding.name!=b,regarding.kind=ConfigMap' }),
      ).to.deep.equal(['a']);
      const { code } = await failure(
        world.api.list(CORE_EVENTS, { namespace: world.namespace, fieldSelector: 'message=x' }),
      );
      expect(code).to.equal(400);
    },
  },
  {
    name: 'an Event of events.k8s.io without a time is refused: 422',
    async run(world) {
      const rest = {
        reportingController: 'autopilot.test/x',
        reportingInstance: 'x-1',
        action: 'Reconcile',
        reason: 'Moved',
        type: 'Normal',
      };
      const { code, message } = await failure(
        world.create(EVENTS, world.object(EVENTS, 'a', rest)),
      );
      expect([code, message.includes('eventTime: Required value')]).to.deep.equal([422, true]);
    },
  },
  {
    name: 'an Event without reporter, reason or action is refused: 422',
    async run(world) {
      const call = world.create(
        EVENTS,
        world.object(EVENTS, 'a', { eventTime: '2026-01-01T00:00:00.123456Z', type: 'Normal' }),
      );
      expect((await failure(call)).code).to.equal(422);
    },
  },
  {
    name: 'a Service has type, ports with protocol and targetPort, and affinity',
    async run(world) {
      const { spec } = await world.create(
        SERVICES,
        world.object(SERVICES, 'a', { spec: { selector: labels, ports: [{ port: 80 }] } }),
      );
      expect(spec).to.deep.include({
        type: 'ClusterIP',
        sessionAffinity: 'None',
        ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      });
    },
  },
  {
    name: 'a Service has a cluster address of its own and keeps it',
    async run(world) {
      const made = await world.create(
        SERVICES,
        world.object(SERVICES, 'a', { spec: { ports: [{ port: 80 }] } }),
      );
      expect(made.spec.clusterIP).to.match(/^\d+\.\d+\.\d+\.\d+$/);
      expect(made.spec.clusterIPs).to.deep.equal([made.spec.clusterIP]);
      const replaced = await world.merge(SERVICES, 'a', { spec: { ports: [{ port: 81 }] } });
      expect(replaced.spec.clusterIP).to.equal(made.spec.clusterIP);
      expect(
        (
          await failure(
            world.merge(SERVICES, 'a', {
              spec: { clusterIP: '10.96.3.7', clusterIPs: ['10.96.3.7'] },
            }),
          )
        ).code,
      ).to.equal(422);
    },
  },
  {
    name: 'a Service without ports is refused: 422',
    async run(world) {
      const { code, message } = await failure(
        world.create(SERVICES, world.object(SERVICES, 'a', { spec: { selector: labels } })),
      );
      expect([code, message.includes('spec.ports: Required value')]).to.deep.equal([422, true]);
    },
  },
  {
    name: 'a headless Service stays without an address',
    async run(world) {
      const { spec } = await world.create(
        SERVICES,
        world.object(SERVICES, 'a', { spec: { clusterIP: 'None', ports: [{ port: 80 }] } }),
      );
      expect([spec.clusterIP, spec.clusterIPs]).to.deep.equal(['None', ['None']]);
    },
  },
  {
    name: 'a Deployment has one replica and a rolling update unless said otherwise',
    async run(world) {
      const { spec } = await world.create(DEPLOYMENTS, world.object(DEPLOYMENTS, 'a', deployment));
      expect(spec).to.deep.include({
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: {
          type: 'RollingUpdate',
          rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' },
        },
      });
    },
  },
  {
    name: 'a Deployment fills in its containers: protocol, pull policy, termination, resources',
    async run(world) {
      const { spec } = await world.create(DEPLOYMENTS, world.object(DEPLOYMENTS, 'a', deployment));
      expect(spec.template.spec).to.deep.include({
        restartPolicy: 'Always',
        dnsPolicy: 'ClusterFirst',
        schedulerName: 'default-scheduler',
        terminationGracePeriodSeconds: 30,
        securityContext: {},
      });
      expect(spec.template.spec.containers).to.deep.equal([
        {
          name: 'web',
          image: 'a:1',
          ports: [{ containerPort: 80, protocol: 'TCP' }],
          imagePullPolicy: 'IfNotPresent',
          resources: {},
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
        },
      ]);
    },
  },
  {
    name: 'a Deployment whose selector does not select its own pods is refused: 422',
    async run(world) {
      const wrong = { spec: { ...deployment.spec, selector: { matchLabels: { app: 'b' } } } };
      const { code, message } = await failure(
        world.create(DEPLOYMENTS, world.object(DEPLOYMENTS, 'a', wrong)),
      );
      expect([code, message.includes('`selector` does not match template `labels`')]).to.deep.equal(
        [422, true],
      );
    },
  },
  {
    name: 'a Deployment’s selector cannot be changed: 422',
    async run(world) {
      await world.create(DEPLOYMENTS, world.object(DEPLOYMENTS, 'a', deployment));
      const next = {
        spec: {
          selector: { matchLabels: { app: 'b' } },
          template: { metadata: { labels: { app: 'b' } } },
        },
      };
      const { code, message } = await failure(world.merge(DEPLOYMENTS, 'a', next));
      expect([
        code,
        message.includes('spec.selector: Invalid value') && message.includes('field is immutable'),
      ]).to.deep.equal([422, true]);
    },
  },
  {
    name: 'a Deployment refuses a field that its kind does not have: 400',
    differs:
      'the sandbox has no list of the fields of built-in kinds; the types of a generated project keep such fields out',
    async run(world) {
      const wrong = { spec: { ...deployment.spec, replica: 3 } };
      const { code, message } = await failure(
        world.create(DEPLOYMENTS, world.object(DEPLOYMENTS, 'a', wrong)),
      );
      expect([code, message.includes('unknown field "spec.replica"')]).to.deep.equal([400, true]);
    },
  },
  {
    name: 'a Deployment has generation 1 and counts changes of its spec and, as no other kind does, of its annotations',
    async run(world) {
      const made = await world.create(DEPLOYMENTS, world.object(DEPLOYMENTS, 'a', deployment));
      expect(made.metadata.generation).to.equal(1);
      expect(
        (await world.merge(DEPLOYMENTS, 'a', { metadata: { labels: { a: 'b' } } })).metadata
          .generation,
      ).to.equal(1);
      expect(
        (await world.merge(DEPLOYMENTS, 'a', { spec: { replicas: 3 } })).metadata.generation,
      ).to.equal(2);
      expect(
        (
          await world.merge(
            DEPLOYMENTS,
            'a',
            { status: { replicas: 3 } },
            { subresource: 'status' },
          )
        ).metadata.generation,
      ).to.equal(2);
      expect(
        (await world.merge(DEPLOYMENTS, 'a', { metadata: { annotations: { a: 'b' } } })).metadata
          .generation,
      ).to.equal(3);
    },
  },
  {
    name: 'ConfigMaps, Secrets and Services have no generation',
    async run(world) {
      const made = await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', { data: {} }));
      expect(made.metadata.generation).to.equal(undefined);
      const secret = await world.create(
        SECRETS,
        world.object(SECRETS, 'a', { data: { x: 'eQ==' } }),
      );
      expect([
        secret.metadata.generation,
        (secret as unknown as { type: string }).type,
      ]).to.deep.equal([undefined, 'Opaque']);
    },
  },
  {
    name: 'a ConfigMap refuses values that are no texts: 400, and bad keys: 422',
    async run(world) {
      expect(
        (
          await failure(
            world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', { data: { x: 3 } })),
          )
        ).code,
      ).to.equal(400);
      expect(
        (
          await failure(
            world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', { data: { 'x y': '3' } })),
          )
        ).code,
      ).to.equal(422);
    },
  },
  {
    name: 'a ConfigMap that is immutable refuses a change: 422',
    async run(world) {
      await world.create(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', { data: { x: '1' }, immutable: true }),
      );
      expect((await failure(world.merge(CONFIG_MAPS, 'a', { data: { x: '2' } }))).code).to.equal(
        422,
      );
    },
  },
  {
    name: 'a ConfigMap of a megabyte is kept byte for byte; one byte more than that is refused: 422',
    async run(world) {
      const text = 'ü'.repeat(1024 * 512);
      expect(
        (await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', { data: { text } })))
          .data?.['text'],
      ).to.equal(text);
      const call = world.create(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'b', { data: { text: `${text}x` } }),
      );
      const { code, message } = await failure(call);
      expect([
        code,
        message.includes('Too long: may not be more than 1048576 bytes'),
      ]).to.deep.equal([422, true]);
    },
  },
  {
    name: 'a built-in kind is replaced without a version: unconditionally',
    async run(world) {
      await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', { data: { x: '1' } }));
      const replaced = await world.api.replace(
        CONFIG_MAPS,
        world.object(CONFIG_MAPS, 'a', { data: { y: '2' } }),
      );
      expect((replaced as { data?: object }).data).to.deep.equal({ y: '2' });
    },
  },
  {
    name: 'replacing what is not there is a 404',
    async run(world) {
      const call = world.api.replace(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', {}));
      expect((await failure(call)).code).to.equal(404);
    },
  },
];
