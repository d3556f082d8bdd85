// Package pebblelog is what Triflow's stores give Pebble to log to. What Pebble tells of its own housekeeping is nothing
// an operator acts on, and a fault that matters comes back as the error of a call.
package pebblelog

import "fmt"

// Silent is a pebble.Logger that says nothing. It panics where Pebble cannot go on, as Pebble's own logger ends the
// process there.
type Silent struct{}

// Infof drops what it is told.
func (Silent) Infof(string, ...any) {}

// Errorf drops what it is told.
func (Silent) Errorf(string, ...any) {}

// Fatalf panics with what it is told.
func (Silent) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
