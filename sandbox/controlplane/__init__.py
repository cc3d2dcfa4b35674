"""etcd, kube-apiserver and kube-controller-manager: the real programs, built from Go modules."""
