// Package deploy checks what starts Triflow and is not Go: the Kubernetes manifests, the Tiltfile and the commands in
// the documents. It needs no cluster and no network.
package deploy
