package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// call asks the REST API; in is nil for what has no body.
func (t *triflow) call(ctx context.Context, method, path string, in, out proto.Message) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	var body io.Reader
	if in != nil {
		b, err := protojson.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, t.rest+path, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	if err := protojson.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// keep replaces the sampling policies by one that keeps a share of all traces.
func (t *triflow) keep(ctx context.Context, ratio float64) error {
	const path = "/api/v1/sampling/policies"
	var now samplingv1.GetPolicySetResponse
	if err := t.call(ctx, http.MethodGet, path, nil, &now); err != nil {
		return err
	}
	return t.call(ctx, http.MethodPut, path, &samplingv1.UpdatePolicySetRequest{
		Etag: now.GetPolicySet().GetEtag(),
		PolicySet: &samplingv1.PolicySet{Policies: []*samplingv1.Policy{{
			Name: "share", Rule: &samplingv1.Policy_Probabilistic{Probabilistic: &samplingv1.ProbabilisticRule{Ratio: ratio}},
		}}},
	}, &samplingv1.UpdatePolicySetResponse{})
}

// ledgers are the accounts of spans at ingestion and at assembly.
type ledgers struct {
	in  *ingestionv1.SignalLedger
	out *assemblyv1.GetLedgerResponse
}

func (t *triflow) ledgers(ctx context.Context) (ledgers, error) {
	var in ingestionv1.GetLedgerResponse
	if err := t.call(ctx, http.MethodGet, "/api/v1/ingestion/ledger", nil, &in); err != nil {
		return ledgers{}, err
	}
	if len(in.GetSignals()) == 0 {
		return ledgers{}, fmt.Errorf("ingestion ledger: no signals, want traces first")
	}
	l := ledgers{in: in.GetSignals()[0], out: &assemblyv1.GetLedgerResponse{}}
	return l, t.call(ctx, http.MethodGet, "/api/v1/ledger", nil, l.out)
}

// settled tells whether each accepted span has been handed on, decided and stored or dropped.
func (l ledgers) settled() bool {
	return l.out.GetPending() == 0 && l.in.GetBacklog() == 0 && l.in.GetDone() == l.in.GetAccepted()
}

// check says what is wrong with settled ledgers after the given spans were acknowledged.
func (l ledgers) check(acknowledged uint64) error {
	dropped := uint64(0)
	for _, d := range l.out.GetDropped() {
		dropped += d.GetSpans()
	}
	sum := l.out.GetKept() + dropped + l.out.GetDuplicates() + l.out.GetPending()
	switch {
	case l.in.GetAccepted() != acknowledged:
		return fmt.Errorf("ingestion ledger: %d spans accepted, want the %d acknowledged", l.in.GetAccepted(), acknowledged)
	case l.out.GetReceived() != acknowledged:
		return fmt.Errorf("assembly ledger: %d spans received, want the %d acknowledged", l.out.GetReceived(), acknowledged)
	case sum != l.out.GetReceived():
		return fmt.Errorf("assembly ledger: kept %d + dropped %d + duplicates %d + pending %d = %d, want the %d received",
			l.out.GetKept(), dropped, l.out.GetDuplicates(), l.out.GetPending(), sum, l.out.GetReceived())
	case l.out.GetDuplicates() != 0:
		return fmt.Errorf("assembly ledger: %d duplicates, want none", l.out.GetDuplicates())
	}
	return nil
}
