#!/bin/bash
# The first process of a node's private namespaces: mounts, network, then every part of the cluster. Everything ends with it.
# Expects FOLDER, ADDRESS, GATEWAY and the programs on PATH; the arguments of each part lie in FOLDER/args/<part>, one a line.
set -u
mount --make-rshared /
mount -t tmpfs tmpfs /run && mkdir -p /run/lock /run/netns
mount -t tmpfs tmpfs /var/log
# kubelet has fixed paths below /var/lib: a layer of its own keeps the machine as it is.
mkdir -p "$FOLDER/varlib/upper" "$FOLDER/varlib/work"
mount -t overlay overlay -o "lowerdir=/var/lib,upperdir=$FOLDER/varlib/upper,workdir=$FOLDER/varlib/work" /var/lib
# kubelet writes settings of the whole machine; it is given files that already say what it wants.
for file in "$FOLDER"/sysctl/*; do
  name=${file##*/}
  mount --bind "$file" "/proc/sys/${name//.//}"
done
mount --bind "$FOLDER/resolv.conf" /etc/resolv.conf
hostname node
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
until ip link show eth0 > /dev/null 2>&1; do sleep 0.05; done
ip addr add "$ADDRESS/30" dev eth0 && ip link set eth0 up && ip route add default via "$GATEWAY"
cd "$FOLDER" || exit 1

part() {
  mapfile -t arguments < "args/$1"
  "$1" "${arguments[@]}" > "log/$1.log" 2>&1 &
}
ready() { curl --silent --insecure --fail --output /dev/null --header "Authorization: Bearer $TOKEN" "https://$ADDRESS:6443/readyz"; }

part etcd
part kube-apiserver
part containerd
until ready; do sleep 0.1; done
part kube-controller-manager
part kube-scheduler
until [ -S run/containerd.sock ]; do sleep 0.05; done
part kubelet
part kube-proxy
part coredns
# Reaps what is left behind by containers; a part that ends is seen by the tests that need it.
while :; do wait -n || sleep 0.5; done
