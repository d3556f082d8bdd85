package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// stage says when a part ends: first what brings work in, last what the others need to finish theirs.
type stage int

const (
	first    stage = iota // the demo shop, the gateway, the RPC door
	intake                // ingestion, and its streams
	workers               // assembly, logs, diagnosis, remediation
	judges                // anomaly, which the workers report to
	deciders              // sampling, which assembly asks
	last                  // what only looks on
	stages
)

// part is something that runs until its context ends, and then finishes its work before it returns.
type part struct {
	stage stage
	name  string
	run   func(context.Context) error
	ready func() error // nil when there is nothing to wait for
}

func (p *process) add(s stage, name string, run func(context.Context) error, ready func() error) {
	p.parts = append(p.parts, part{stage: s, name: name, run: run, ready: ready})
}

// readyEvery is the pause between questions whether all is ready.
const readyEvery = 20 * time.Millisecond

// run runs every part. When ctx ends, or a part fails, the parts end stage by stage: each stage has returned before
// the next is told to. started is called once every part is ready.
func (p *process) run(ctx context.Context, started func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var groups [stages]sync.WaitGroup
	var ends [stages]context.CancelFunc
	errs := make([]error, len(p.parts))
	for s := range stages {
		var running context.Context
		running, ends[s] = context.WithCancel(context.WithoutCancel(ctx))
		for i, part := range p.parts {
			if part.stage != s {
				continue
			}
			groups[s].Go(func() {
				err := part.run(running)
				if err == nil && running.Err() == nil {
					err = errors.New("ended before its time")
				}
				if err != nil {
					errs[i] = fmt.Errorf("%s: %w", part.name, err)
				}
				cancel()
			})
		}
	}
	p.await(ctx, started)
	<-ctx.Done()
	p.log.Info("going down")
	begin := time.Now()
	for s := range stages {
		ends[s]()
		groups[s].Wait()
	}
	p.log.Info("gone down", "duration", time.Since(begin).Round(time.Millisecond))
	return errors.Join(slices.Concat(errs)...)
}

// await calls started when all is ready, unless ctx ends before.
func (p *process) await(ctx context.Context, started func()) {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for p.ready() != nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	started()
}
