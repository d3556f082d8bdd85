// Package rpc is how Triflow's services speak to each other: the same clients, deadlines and error forms whether the
// neighbour runs in this process or elsewhere.
package rpc
