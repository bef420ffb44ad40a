/**
 * The settings of every part of a node, as files. Why each unusual one is as it is stands beside
 * it.
 */
import { join } from 'node:path';

export interface Place {
  readonly folder: string;
  /** IP address of the node in its private network. */
  readonly address: string;
  /** The node's cgroup, of its own. */
  readonly cgroup: string;
  readonly parts: { readonly cni: string; readonly runc: string };
}

export const POD_NETWORK = '10.244.0.0/24';
export const SERVICE_NETWORK = '10.96.0.0/16';
export const PAUSE_IMAGE = 'localhost/pause:1.0';

/** Who may speak to the API server: user, uid, groups. */
export const USERS = {
  admin: 'admin,admin-uid,system:masters',
  kubelet: 'system:node:node,node-uid,system:nodes',
  scheduler: 'system:kube-scheduler,scheduler-uid',
  manager: 'system:kube-controller-manager,manager-uid',
  proxy: 'system:kube-proxy,proxy-uid',
  dns: 'dns,dns-uid,system:masters',
} as const;

/** kubelet wants to set these for the whole machine; it finds them set. */
export const SYSCTLS: Readonly<Record<string, string>> = {
  'vm.overcommit_memory': '1',
  'vm.panic_on_oom': '0',
  'kernel.panic': '10',
  'kernel.panic_on_oops': '1',
  'kernel.keys.root_maxkeys': '1000000',
  'kernel.keys.root_maxbytes': '25000000',
};

/** The arguments of each part. */
export function argumentsOf({
  folder,
  address,
}: Place): Readonly<Record<string, readonly string[]>> {
  const config = (user: string): string => `--kubeconfig=${join(folder, `${user}.kubeconfig`)}`;
  return {
    etcd: [
      `--data-dir=${folder}/etcd`,
      '--listen-client-urls=http://127.0.0.1:2379',
      '--advertise-client-urls=http://127.0.0.1:2379',
      '--listen-peer-urls=http://127.0.0.1:2380',
      '--unsafe-no-fsync',
    ],
    'kube-apiserver': [
      '--etcd-servers=http://127.0.0.1:2379',
      '--bind-address=0.0.0.0',
      `--advertise-address=${address}`,
      '--secure-port=6443',
      `--cert-dir=${folder}/certs`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${folder}/sa.pub`,
      `--service-account-signing-key-file=${folder}/sa.key`,
      `--token-auth-file=${folder}/tokens.csv`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement',
      `--service-cluster-ip-range=${SERVICE_NETWORK}`,
      '--kubelet-preferred-address-types=InternalIP',
    ],
    containerd: ['--config', `${folder}/containerd.toml`],
    'kube-controller-manager': [
      config('manager'),
      `--service-account-private-key-file=${folder}/sa.key`,
      // Published to every namespace as kube-root-ca.crt: how Pods know the API server.
      `--root-ca-file=${folder}/certs/apiserver.crt`,
      '--use-service-account-credentials=true',
      '--leader-elect=false',
      // With the default limits the first ServiceAccount tokens take seconds.
      '--kube-api-qps=500',
      '--kube-api-burst=1000',
      '--bind-address=127.0.0.1',
      '--controllers=*,-node-ipam-controller',
    ],
    'kube-scheduler': [config('scheduler'), '--leader-elect=false', '--bind-address=127.0.0.1'],
    kubelet: [
      `--config=${folder}/kubelet.json`,
      config('kubelet'),
      `--root-dir=${folder}/kubelet`,
      '--hostname-override=node',
      `--node-ip=${address}`,
    ],
    'kube-proxy': [`--config=${folder}/proxy.json`],
    coredns: ['-conf', `${folder}/Corefile`],
  };
}

export function filesOf(place: Place): Readonly<Record<string, string>> {
  const { folder, address } = place;
  return {
    'containerd.toml': containerd(place),
    'kubelet.json': JSON.stringify(kubelet(place)),
    'proxy.json': JSON.stringify({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'nftables',
      clientConnection: { kubeconfig: `${folder}/proxy.kubeconfig` },
      hostnameOverride: 'node',
      clusterCIDR: POD_NETWORK,
      // The settings of this computer stay.
      conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    }),
    Corefile: `.:53 {\n  bind ${address}\n  errors\n  ready 127.0.0.1:8182\n  kubernetes cluster.local {\n    kubeconfig ${folder}/dns.kubeconfig\n  }\n}\n`,
    'resolv.conf': `nameserver ${address}\n`,
    'cni/10-node.conflist': JSON.stringify({
      cniVersion: '1.0.0',
      name: 'node',
      plugins: [
        {
          type: 'ptp',
          ipMasq: false,
          ipam: {
            type: 'host-local',
            dataDir: `${folder}/run/cni`,
            ranges: [[{ subnet: POD_NETWORK }]],
            routes: [{ dst: '0.0.0.0/0' }],
          },
        },
        { type: 'portmap', capabilities: { portMappings: true }, backend: 'nftables' },
      ],
    }),
  };
}

function containerd({ folder, parts }: Place): string {
  const without = [
    'io.containerd.nri.v1.nri',
    'io.containerd.tracing.processor.v1.otlp',
    'io.containerd.internal.v1.tracing',
    'io.containerd.snapshotter.v1.blockfile',
    'io.containerd.snapshotter.v1.devmapper',
    'io.containerd.snapshotter.v1.erofs',
    'io.containerd.differ.v1.erofs',
  ];
  return `version = 4
root = '${folder}/containerd'
state = '${folder}/run/containerd'
imports = []
disabled_plugins = [${without.map((plugin) => `'${plugin}'`).join(', ')}]
[plugins.'io.containerd.server.v1.grpc']
  address = '${folder}/run/containerd.sock'
[plugins.'io.containerd.server.v1.ttrpc']
  address = '${folder}/run/containerd.sock.ttrpc'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '${PAUSE_IMAGE}'
[plugins.'io.containerd.cri.v1.runtime']
  disable_apparmor = true
  # Where root may not lower oom_score_adj every sandbox would die of it.
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
  sandboxer = 'podsandbox'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = '${parts.runc}'
  Root = '${folder}/run/runc'
  SystemdCgroup = false
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['${parts.cni}']
  conf_dir = '${folder}/cni'
[plugins.'io.containerd.internal.v1.opt']
  path = '${folder}/run/opt'
`;
}

function kubelet({ folder, address, cgroup }: Place): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    // Machines with cgroup v1 beside v2 are refused by default since 1.35.
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    containerRuntimeEndpoint: `unix://${folder}/run/containerd.sock`,
    // Only this computer reaches the network.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    address,
    readOnlyPort: 0,
    clusterDomain: 'cluster.local',
    clusterDNS: [address],
    resolvConf: `${folder}/resolv.conf`,
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    podLogsDir: `${folder}/podlogs`,
    volumePluginDir: `${folder}/volumeplugins`,
    enforceNodeAllocatable: ['pods'],
    evictionHard: {
      'memory.available': '50Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
      'nodefs.inodesFree': '1%',
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    maxPods: 60,
    // How late a changed ConfigMap may reach a Pod; the default is a minute.
    syncFrequency: '5s',
  };
}
