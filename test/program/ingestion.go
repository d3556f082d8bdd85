package program

import (
	"context"
	"fmt"
	"regexp"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// Ingestion is a process of `triflow ingestion`.
type Ingestion struct {
	*Program
	GRPC, HTTP string // addresses for OTLP, after Serving
	RPC        string // address of its own services, after Serving
}

// StartIngestion starts the binary at path with its log in dir, on ports of its own. It hands on to peers, which are
// addresses by role; more are further arguments.
func StartIngestion(path, dir string, peers map[string]string, more ...string) (*Ingestion, error) {
	args := []string{
		"ingestion", "--data", dir, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
		"--ingestion-grpc", "127.0.0.1:0", "--ingestion-http", "127.0.0.1:0",
	}
	for role, address := range peers {
		args = append(args, "--peer", role+"=static:///"+address)
	}
	p, err := Start(path, nil, append(args, more...)...)
	if err != nil {
		return nil, err
	}
	return &Ingestion{Program: p}, nil
}

// Serving waits until the process serves, and learns where.
func (i *Ingestion) Serving(ctx context.Context) error {
	said, err := i.Match(ctx, regexp.MustCompile(`grpc\.address=(\S+) http\.address=(\S+)[\s\S]*msg=serving .*server\.address=(\S+)\n`))
	if err != nil {
		return err
	}
	i.GRPC, i.HTTP, i.RPC = said[0], said[1], said[2]
	return nil
}

// Ledger is the account of all signals.
func (i *Ingestion) Ledger(ctx context.Context) (*ingestionv1.GetLedgerResponse, error) {
	conn, err := grpc.NewClient(i.RPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", i.RPC, err)
	}
	defer conn.Close()
	l, err := ingestionv1.NewIngestionServiceClient(conn).GetLedger(ctx, &ingestionv1.GetLedgerRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return nil, fmt.Errorf("ledger of ingestion: %w", err)
	}
	return l, nil
}
