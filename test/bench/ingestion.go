package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/test/program"
)

// readyLimit bounds how long a process may take to serve.
const readyLimit = time.Minute

// ingestion is a process of `triflow ingestion` that hands all it takes to a sink of this process.
type ingestion struct {
	*program.Ingestion
	admin string
	sink  *sink
	data  string
}

// startIngestion starts the binary with an empty log within dir. With cores above 0 it runs Go code on so many at most.
func startIngestion(ctx context.Context, binary, dir, durability string, cores int) (_ *ingestion, err error) {
	g := &ingestion{}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.close())
		}
	}()
	if g.data, err = os.MkdirTemp(dir, "triflow-bench-"); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	if g.sink, err = newSink(ctx); err != nil {
		return nil, err
	}
	if g.admin, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	o := program.IngestionOptions{Dir: g.data, Peers: g.sink.peers, Args: []string{"--admin", g.admin, "--ingestion-durability", durability}}
	if cores > 0 {
		o.Env = []string{"GOMAXPROCS=" + strconv.Itoa(cores)}
	}
	if g.Ingestion, err = program.StartIngestion(binary, o); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	if err := g.Serving(ctx); err != nil {
		return nil, err
	}
	_, err = g.ledger(ctx) // it answers, and the connection stands before anything is measured
	return g, err
}

// ledger is the account of spans.
func (g *ingestion) ledger(ctx context.Context) (*ingestionv1.SignalLedger, error) {
	all, err := g.Ledger(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, errors.New("ledger of ingestion: no signals, want traces first")
	}
	return all[0], nil
}

// close ends the process and the sink and removes the log.
func (g *ingestion) close() (err error) {
	if g.Ingestion != nil {
		err = g.Stop()
	}
	if g.sink != nil {
		g.sink.close()
	}
	return errors.Join(err, os.RemoveAll(g.data))
}

// freeAddress is one that nobody listened at a moment ago: the admin address is not told by the process.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
