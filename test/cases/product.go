package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/triflow/triflow/test/export"
	"github.com/triflow/triflow/test/program"
)

// product is a Triflow in one process, as its users reach it.
type product struct {
	*program.Program
	rest string // http://host:port
	http string // http://host:port of OTLP over HTTP
	conn *grpc.ClientConn
	rss  int64 // bytes, when it was ready
}

// start runs the binary with an empty store in dir until the caller calls end.
func start(ctx context.Context, binary, dir string) (_ *product, err error) {
	p := &product{}
	p.Program, err = program.Start(binary, nil, "all", "--data", dir, "--ingestion-grpc", "127.0.0.1:0", "--ingestion-http", "127.0.0.1:0",
		"--gateway-listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--assembly-quiet", "2s")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = p.Kill() // the error before says more
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	said, err := p.Match(ctx, regexp.MustCompile(`page +(http://\S+)[\s\S]*OTLP +(\S+) over gRPC, (\S+) over HTTP[\s\S]*data `))
	if err != nil {
		return nil, err
	}
	p.rest, p.http = said[0], said[2]
	p.conn, err = grpc.NewClient(said[1], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(export.Codec{})))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", said[1], err)
	}
	p.rss, err = p.RSS()
	return p, err
}

// end stops the process, which must end well.
func (p *product) end() error {
	if err := p.conn.Close(); err != nil {
		return err
	}
	return p.Stop()
}

// alive tells whether the process that was started still runs.
func (p *product) alive() bool {
	select {
	case <-p.Ended():
		return false
	default:
		return true
	}
}

// text reads an answer of the REST API.
func (p *product) text(path string) (code int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.rest+path, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// read decodes an answer of the REST API; found is false when there is no such thing.
func (p *product) read(path string, out any) (found bool, err error) {
	code, body, err := p.text(path)
	switch {
	case err != nil:
		return false, err
	case code == http.StatusNotFound:
		return false, nil
	case code != http.StatusOK:
		return false, fmt.Errorf("GET %s: %d: %s", path, code, body)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return false, fmt.Errorf("GET %s: %w", path, err)
	}
	return true, nil
}

// account is what ingestion and assembly have counted over all signals.
type account struct {
	accepted, refused, backlog int
	received, duplicates       int // of spans, at assembly
}

func (p *product) account() (account, error) {
	var in struct {
		Signals []struct {
			Accepted, Backlog string
			Refused           []struct{ Items string }
		}
	}
	if _, err := p.read("/api/v1/ingestion/ledger", &in); err != nil {
		return account{}, err
	}
	var out struct{ Received, Duplicates string }
	if _, err := p.read("/api/v1/ledger", &out); err != nil {
		return account{}, err
	}
	a := account{received: number(out.Received), duplicates: number(out.Duplicates)}
	for _, s := range in.Signals {
		a.accepted += number(s.Accepted)
		a.backlog += number(s.Backlog)
		for _, r := range s.Refused {
			a.refused += number(r.Items)
		}
	}
	return a, nil
}

// number reads a 64-bit number of the API, which is a string in JSON; anything else is 0.
func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// settle waits until the owning services have all that was accepted.
func (p *product) settle(ctx context.Context) error {
	return eventually(ctx, 10*time.Second, func() error {
		a, err := p.account()
		if err == nil && a.backlog != 0 {
			err = fmt.Errorf("%d items still wait at ingestion", a.backlog)
		}
		return err
	})
}

// eventually tries until there is no error, and gives the last one when the limit is over.
func eventually(ctx context.Context, limit time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}
