// The same work as bench/workload.ts, on controller-runtime as its documentation recommends it: a cached client, owned objects watched,
// server-side apply, the status patched with an optimistic lock, leader election on, ten reconciles at once.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	applymeta "k8s.io/client-go/applyconfigurations/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

var groupVersion = schema.GroupVersion{Group: "bench.autopilot.test", Version: "v1"}
var phases = []string{"One", "Two", "Three", "Four", "Done"}

type RunSpec struct {
	Outputs int `json:"outputs"`
}

type RunStatus struct {
	Phase              string             `json:"phase,omitempty"`
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type Run struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              RunSpec   `json:"spec,omitempty"`
	Status            RunStatus `json:"status,omitempty"`
}

type RunList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Run `json:"items"`
}

func (r *Run) DeepCopyObject() runtime.Object {
	out := *r
	out.ObjectMeta = *r.ObjectMeta.DeepCopy()
	out.Status.Conditions = append([]metav1.Condition(nil), r.Status.Conditions...)
	return &out
}

func (l *RunList) DeepCopyObject() runtime.Object {
	out := *l
	out.ListMeta = *l.ListMeta.DeepCopy()
	out.Items = make([]Run, len(l.Items))
	for i := range l.Items {
		out.Items[i] = *(l.Items[i].DeepCopyObject().(*Run))
	}
	return &out
}

type reconciler struct{ client.Client }

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var run Run
	if err := r.Get(ctx, request.NamespacedName, &run); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	next := ""
	for i, phase := range phases[:len(phases)-1] {
		if run.Status.Phase == phase || (i == 0 && run.Status.Phase == "") {
			next = phases[i+1]
		}
	}
	if next == "" {
		return ctrl.Result{}, nil
	}
	for i := range run.Spec.Outputs {
		output := applycore.ConfigMap(fmt.Sprintf("%s-%d", run.Name, i), run.Namespace).
			WithData(map[string]string{"phase": run.Status.Phase, "note": "what " + run.Name + " needs in " + run.Status.Phase}).
			WithOwnerReferences(applymeta.OwnerReference().
				WithAPIVersion(groupVersion.String()).WithKind("Run").WithName(run.Name).WithUID(run.UID).WithController(true))
		if err := r.Apply(ctx, output, client.FieldOwner("bench-operator"), client.ForceOwnership); err != nil {
			return ctrl.Result{}, err
		}
	}
	before := run.DeepCopyObject().(*Run)
	run.Status.Phase = next
	run.Status.ObservedGeneration = run.Generation
	run.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: "False", Reason: next, LastTransitionTime: metav1.Now()}}
	return ctrl.Result{}, r.Status().Patch(ctx, &run, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

func main() {
	ctrl.SetLogger(zap.New())
	if err := start(); err != nil {
		_ = json.NewEncoder(os.Stderr).Encode(map[string]string{"error": err.Error()})
		os.Exit(1)
	}
}

func start() error {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	scheme.AddKnownTypes(groupVersion, &Run{}, &RunList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
	grace := 5 * time.Second
	manager, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Scheme:                        scheme,
		Metrics:                       server.Options{BindAddress: os.Getenv("METRICS_ADDR")},
		LeaderElection:                true,
		LeaderElectionID:              "bench-controller-runtime",
		LeaderElectionNamespace:       os.Getenv("POD_NAMESPACE"),
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       &grace,
	})
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(manager).For(&Run{}).Owns(&corev1.ConfigMap{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: 10}).Complete(&reconciler{manager.GetClient()})
	if err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}
