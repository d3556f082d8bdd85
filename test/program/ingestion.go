package program

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// IngestionOptions say how a process of `triflow ingestion` runs.
type IngestionOptions struct {
	Dir   string            // for its log
	Peers map[string]string // addresses by role, which it hands on to
	Args  []string          // further ones
	Env   []string          // further ones
}

// Ingestion is a process of `triflow ingestion` on ports of its own.
type Ingestion struct {
	*Program
	GRPC, HTTP string // addresses for OTLP, after Serving
	rpc        *grpc.ClientConn
}

// StartIngestion starts the binary at path.
func StartIngestion(path string, o IngestionOptions) (*Ingestion, error) {
	args := []string{
		"ingestion", "--data", o.Dir, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
		"--ingestion-grpc", "127.0.0.1:0", "--ingestion-http", "127.0.0.1:0",
	}
	for role, address := range o.Peers {
		args = append(args, "--peer", role+"=static:///"+address)
	}
	p, err := Start(path, o.Env, append(args, o.Args...)...)
	if err != nil {
		return nil, err
	}
	return &Ingestion{Program: p}, nil
}

// Serving waits until the process serves, and learns where. It is called once.
func (i *Ingestion) Serving(ctx context.Context) error {
	said, err := i.Match(ctx, regexp.MustCompile(`grpc\.address=(\S+) http\.address=(\S+)[\s\S]*msg=serving .*server\.address=(\S+)\n`))
	if err != nil {
		return err
	}
	i.GRPC, i.HTTP = said[0], said[1]
	if i.rpc, err = grpc.NewClient(said[2], grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		return fmt.Errorf("connect to %s: %w", said[2], err)
	}
	return nil
}

// Ledger is the account of all signals, of a process that serves.
func (i *Ingestion) Ledger(ctx context.Context) ([]*ingestionv1.SignalLedger, error) {
	l, err := ingestionv1.NewIngestionServiceClient(i.rpc).GetLedger(ctx, &ingestionv1.GetLedgerRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return nil, fmt.Errorf("ledger of ingestion: %w", err)
	}
	return l.GetSignals(), nil
}

// Stop is Program.Stop.
func (i *Ingestion) Stop() error { return errors.Join(i.hangUp(), i.Program.Stop()) }

// Kill is Program.Kill.
func (i *Ingestion) Kill() error { return errors.Join(i.hangUp(), i.Program.Kill()) }

func (i *Ingestion) hangUp() (err error) {
	if i.rpc != nil {
		err = i.rpc.Close()
		i.rpc = nil
	}
	return err
}
