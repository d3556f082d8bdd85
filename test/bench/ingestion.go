package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/test/program"
)

// readyLimit bounds how long a process may take to serve.
const readyLimit = time.Minute

// ingestion is a process of `triflow ingestion` that hands all it takes to a sink of this process.
type ingestion struct {
	*program.Program
	grpc  string // address of OTLP over gRPC
	http  string // address of OTLP over HTTP
	admin string
	conn  *grpc.ClientConn
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
	args := []string{
		"ingestion", "--data", g.data, "--listen", "127.0.0.1:0", "--admin", g.admin,
		"--ingestion-grpc", "127.0.0.1:0", "--ingestion-http", "127.0.0.1:0", "--ingestion-durability", durability,
	}
	for role, address := range g.sink.peers {
		args = append(args, "--peer", role+"=static:///"+address)
	}
	var env []string
	if cores > 0 {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(cores))
	}
	if g.Program, err = program.Start(binary, env, args...); err != nil {
		return nil, err
	}
	return g, g.greet(ctx)
}

// greet waits until the process serves and reads its addresses.
func (g *ingestion) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	said, err := g.Match(ctx, regexp.MustCompile(`grpc\.address=(\S+) http\.address=(\S+)[\s\S]*msg=serving .*server\.address=(\S+)\n`))
	if err != nil {
		return err
	}
	g.grpc, g.http = said[0], said[1]
	g.conn, err = grpc.NewClient(said[2], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("connect to %s: %w", said[2], err)
	}
	_, err = g.ledger(ctx) // it answers, and the connection stands before anything is measured
	return err
}

// ledger is the account of spans.
func (g *ingestion) ledger(ctx context.Context) (*ingestionv1.SignalLedger, error) {
	l, err := ingestionv1.NewIngestionServiceClient(g.conn).GetLedger(ctx, &ingestionv1.GetLedgerRequest{}, grpc.WaitForReady(true))
	switch {
	case err != nil:
		return nil, fmt.Errorf("ingestion ledger: %w", err)
	case len(l.GetSignals()) == 0:
		return nil, errors.New("ingestion ledger: no signals, want traces first")
	}
	return l.GetSignals()[0], nil
}

// close ends the process and the sink and removes the log.
func (g *ingestion) close() (err error) {
	if g.conn != nil {
		err = g.conn.Close()
	}
	if g.Program != nil {
		err = errors.Join(err, g.Stop())
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
