/**
 * What the design promises, by section. A test that fails when a promise is broken carries a
 * comment
 * above its first line:
 *
 *     // @promise watching/consistent-lists
 *
 * `scripts/promises.ts` makes docs/promises.md from both.
 */

/** The promises of one section. */
export interface PromiseSection {
  /** Heading on the page. */
  readonly title: string;
  /** Each promise as a sentence, by its name. */
  readonly promises: Readonly<Record<string, string>>;
}

/** All promises, by the name of their section. */
export const PROMISES: Readonly<Record<string, PromiseSection>> = {
  watching: {
    title: 'Watching',
    promises: {
      'consistent-lists': 'Lists are consistent and paged, and survive expired pages.',
      'dead-watch':
        'A watch that dies without an error is detected. A watch without events is not restarted.',
      'watch-errors':
        '410 (as a status or in band), connection resets and truncated lines lose no change.',
      'list-backoff':
        'Failed lists and watches are retried with backoff and jitter. No failure causes a loop of lists.',
      'no-missed-events': 'A list never finds a change that a watch event should have reported.',
      deletions:
        'Deletions are detected across relists. A deleted object does not reappear in a cache.',
      'restored-versions':
        'After a restore of etcd, whose versions go back, the caches follow the restored cluster.',
      'polled-kinds':
        'A kind that can be listed and not watched is listed every 30 seconds. A log line says so.',
      'cache-responses':
        'A response enters a cache only if its object matches and is newer. This includes deletions.',
      'cache-memory':
        'Memory is bounded: caches keep neither managedFields nor data of deleted objects.',
    },
  },
  queue: {
    title: 'Queue',
    promises: {
      'one-at-a-time':
        'A resource is never in two reconciles at once. The number of concurrent reconciles is bounded.',
      'retry-backoff': 'Backoff goes from 0.5 s to 5 min with jitter. A change of spec resets it.',
      'retry-after':
        'After a response with Retry-After, the resource writes nothing until that time has passed.',
      'new-resource-first': 'A restart with 5,000 resources does not delay a new resource.',
      quarantine: 'A stuck worker loses its slot, and its resource is quarantined.',
      drain: 'Shutdown waits for the running reconciles and starts no others.',
      'no-leftover-state': 'The process keeps no state of deleted resources.',
    },
  },
  inputs: {
    title: 'Inputs',
    promises: {
      'available-again':
        'A kind that can be read again, or no longer, enqueues the resources whose phase reads the kind.',
      'exact-dependencies':
        'A change enqueues every resource that has read the changed object, and no other resource.',
      'one-version':
        'One reconcile sees one version of its inputs. A change during a reconcile causes one more reconcile.',
      'dependencies-after-error':
        'After an error, the dependencies are the union of the earlier reads and the new reads.',
      'declared-inputs':
        'A view shows declared inputs only. Its error names the line of autopilot.yaml.',
      need: 'need() ends the reconcile without an error when the object is absent.',
      'one-informer': 'All phases share one informer per kind.',
      'one-cache-per-version': 'A worker reads an object in the version that its input declares.',
      'unknown-is-not-absent': 'An input that cannot be read does not count as absent.',
      'once-after-start': 'Each resource is reconciled once after start.',
      'one-broken-kind':
        'A kind whose lists fail delays only the phases that read or write it, and no other deletion.',
      'caches-first': 'No worker runs before every cache is filled.',
    },
  },
  outputs: {
    title: 'Outputs',
    promises: {
      'ownership-marks':
        "Every output carries a controlling owner reference, the owner's uid and the managed-by label.",
      'own-manager': 'Each resource applies its outputs under its own field manager.',
      adoption: 'Objects of an earlier resource of the same name are adopted.',
      'foreign-objects':
        'The first apply only creates. An object with another owner is not touched.',
      'known-by-owner':
        'An output is recognised by its owner reference, even without the managed-by label.',
      'late-writes': 'A late write neither overwrites a newer state nor recreates a pruned object.',
      drift: 'Unchanged outputs cost no request, foreign fields stay, and drift is repaired.',
      'output-only-kinds': 'Kinds that are only outputs are watched by the managed-by label.',
      'foreign-status':
        "A change of an output's status by another controller enqueues no resource.",
      'own-writes':
        'A write of one resource enqueues every other resource that has read the object.',
      prune:
        "Pruning deletes the resource's own objects that the worker no longer returns, and only where the output declares it.",
      'field-claims':
        'A field claim finds the route by name, changes it in one guarded request and records the claim.',
      'ambiguous-claims':
        'A claim whose field cannot be identified is a permanent error, and no request is sent.',
      'one-claim-per-field':
        'A field has at most one claim. It is restored only if no other client has changed it.',
      'ownership-stays':
        'A field claim takes no field ownership: the owner of the object applies it at any time.',
      'newest-original':
        'What the owner writes into a claimed field is what it gets back, after crashes too.',
      'renamed-element':
        'A claim follows its list element to a new name. A condition says when it cannot be told.',
      'removed-for-good': 'A field that is removed permanently is not restored.',
      weights: 'Wrong weights are never sent.',
      'independent-outputs':
        'A refused output stops no other output, no timeout and no onSpecChange. Status names every refused one.',
      'empty-maps': 'A map of an output that becomes empty is stored as an empty map.',
      'stored-form':
        'An output that the API server stores in another form costs no request after a restart.',
      contested:
        'Repairs of an object that other clients set back again and again are spaced up to 1 min. Contested names the client.',
      'when-undone':
        'whenUndone leaves an undone object or sends the resource to a phase, also after a restart. The worker sees what was undone.',
      'refused-outputs':
        'Refused outputs are retried with backoff, never Stalled. A ready phase stays Ready for three refusals.',
    },
  },
  reconcile: {
    title: 'Reconcile',
    promises: {
      paused: 'The phase timers stop while a resource is paused.',
      'while-paused':
        'A pause gives back claims and prunable outputs where the phase says so, and keeps them elsewhere.',
      'stop-switches':
        'A stop switch with any value but an explicit no stops, also beside other errors.',
      'never-silent':
        'Whatever a worker throws and whatever is stored in status, the failure is told and the worker is called again.',
      'phase-times': 'Timeouts and pauses count milliseconds. A step belongs to one phase.',
      'no-endless-patch': 'Status that the API server stores in another form is sent once.',
      'unknown-phase':
        'A resource in an unknown phase is left alone. A former name of a phase is followed.',
      'declared-transitions': 'onSpecChange and onTimeout run no worker, even during backoff.',
      'final-phase': 'A resource in a final phase is not reconciled until its spec changes.',
      'resting-phase':
        'A resting phase is Ready and not polled, repairs what it wrote, and starts again with a new spec.',
      'frozen-context': 'The context is frozen. A wrong result writes nothing.',
      'refused-results':
        'A worker cannot return an input object as it was read. Wrong kinds and names are refused.',
      'order-of-writes':
        'Outputs are applied in declared order, then one PATCH writes status. Nothing is written without a change.',
      'status-version':
        'Status is written for the version that was read. A conflict repeats the reconcile with a fresh read.',
      'status-info':
        'statusInfo merges by top-level field: a field that is left out stays, null removes it.',
      'no-tight-loop': 'No return value of a worker causes a tight loop.',
      conflicts:
        "A conflict that persists counts as a refusal, with backoff and the server's message.",
      timing:
        'requeueAfter, interval, workInterval, RetryLater and PermanentError decide when the worker runs next.',
      'permanent-errors':
        'A permanent error ends with a change of spec, a change of an object that was read, or the retry annotation.',
      steps: 'A step is never taken early.',
      looping: 'Looping between phases is slowed down and reported.',
      approval: 'An approval needs the token, counts once and survives restarts.',
      'pending-approval':
        'The worker keeps running while an approval is pending. Each pending approval has its own token.',
      events: 'Events are rate-limited, deduplicated and sent with the lowest priority.',
      kstatus: 'kstatus never reports a resource as finished before it is.',
      queries: 'A query returns a value or the reason why it has none. Parameters are escaped.',
      'typed-phases': 'Code that uses what its phase does not declare does not compile.',
    },
  },
  finalizer: {
    title: 'Finalizer',
    promises: {
      'added-first':
        'The finalizer is added before the first worker runs, and is removed when it is not needed.',
      'cleanup-first': 'The finalizer is removed only after everything is deleted and restored.',
      'until-done': "The user's finalize function is called until it is done.",
      'namespace-deletion': 'The finalizer does not block the deletion of its namespace.',
      'operator-stop': 'Nothing is restored when the operator stops.',
    },
  },
  election: {
    title: 'Leader election',
    promises: {
      lease:
        'The Lease and its timings are those of client-go. A clean stop and a crash hand over leadership.',
      'lease-expiry': 'The lease ends 2 s early, by either clock. A write ends before it.',
      'lost-lease-signal': 'A lost lease aborts the signals of running workers.',
      'drain-signal': 'A stop aborts the signals of running workers after half a minute.',
      'frozen-leader': 'A leader that was frozen past its lease writes nothing afterwards.',
      'caches-after-election': 'No reconcile starts before the caches are as new as the election.',
      'deleted-lease': 'A deleted Lease stays with its holder, and only one process writes.',
      'gives-back':
        'A replica that cannot read its own kind gives the lease back within a minute, and says so.',
      'election-problems': 'Problems with the election are reported.',
      'dev-lease': '`npm run dev` takes part in the lease of an installed operator.',
      'lease-per-scope': 'Each operator and set of namespaces has one lease.',
    },
  },
  lifecycle: {
    title: 'Process lifecycle',
    promises: {
      'crash-safety':
        'A crash between any two requests, followed by a restart, leads to the same end.',
      'refused-config':
        'A configuration that is not taken is told by log, metric, Event and /readyz?verbose.',
      'isolated-failures': 'A worker that fails or hangs affects only its own resource.',
      'isolated-loops': 'A worker that loops affects only its own resource.',
      'slow-is-not-blocked':
        'A process that gets little CPU and makes progress is not ended as one that is blocked.',
      'blocked-event-loop':
        'A worker that blocks the event loop is named and the process ends. Its resource is reconciled last after the restart.',
      'blocked-record': 'The record of a worker that blocked the event loop counts for one hour.',
      rejections:
        'An unhandled rejection of a worker is reported and ends nothing. Any other rejection ends the process.',
      'uncaught-errors': 'An uncaught error ends the process with one line and exit code 1.',
      'graceful-stop': 'The parts of the process stop in order.',
      signals:
        'SIGTERM and SIGINT end the process with exit code 0. A second signal ends it at once.',
      reload: 'The configuration is reloaded in place. A wrong configuration changes nothing.',
      'missing-configuration': 'A missing or empty configuration file changes nothing.',
      'roles-only': 'An operator that has only Roles never lists the whole cluster.',
      'complete-rules': 'The RBAC rules are complete, and every rule is used.',
      'token-rotation': 'Rotated tokens are read again.',
    },
  },
  endpoints: {
    title: 'Endpoints',
    promises: {
      paths: 'The endpoints are /healthz, /readyz with named checks, and /metrics.',
      healthz: '/healthz fails only for a blocked event loop.',
      'robust-endpoints':
        'No request ends the process, whatever its path. Neither do metrics that cannot be collected, nor clients that send many requests at once or half requests.',
      'secure-metrics':
        'With secureMetrics, /metrics is read only by who may get this path. /healthz and /readyz stay open.',
      'standby-ready': 'A standby with filled caches is ready.',
      metrics: 'Metrics have low cardinality, and the reference page lists all of them.',
      'logs-and-traces':
        'Logs are JSON with resource, phase and reconcile id. Spans cover reconciles and requests.',
    },
  },
  chart: {
    title: 'Chart',
    promises: {
      'former-versions':
        'After a change of the API version, stored resources are served in the former and in the present version with all fields.',
      'storage-migration':
        'A Job after the upgrade stores all resources in the present version. Afterwards the former version can be removed.',
      'cleanup-only-on-uninstall':
        'The clean-up Job deletes resources only while Helm uninstalls the release, also when the chart is applied as rendered manifests.',
      'restricted-approvals':
        'With approval.restricted, only users with the verb approve can approve a transition.',
      'pause-without-conflict':
        'A pause of the operator outlives upgrades and rollbacks, without a conflict.',
      'upgradable-values':
        'A value that contradicts a default of the API server can be set on an installed release, and taken back.',
    },
  },
  sandbox: {
    title: 'Sandbox',
    promises: {
      conformance: 'The sandbox responds as the real API server does.',
      'cluster-parts': 'The sandbox has owner garbage collection, RBAC, bookmarks and 410.',
      cel: 'A CEL rule that cannot be evaluated is reported.',
      kubectl: 'kubectl works with the sandbox.',
      simulators: 'Simulators respond from the state of the cluster.',
    },
  },
  exploration: {
    title: 'Exploration',
    promises: {
      coverage:
        'Exploration runs every single fault at every fault site, then pairs and other orders within a budget.',
      'chart-rules':
        'Exploration runs with the RBAC rules of the chart, and detects each missing verb.',
      threads: '`npm run verify` in worker threads finds what one thread finds.',
      repeatable: 'A run can be repeated from a seed or a token.',
      'seeded-bugs': 'Seeded bugs are found. Correct runtimes and workers pass.',
      'shortest-run': '`npm run verify` shows the shortest run that breaks an invariant.',
      canary: 'The canary example keeps its invariants.',
    },
  },
};
