package main

import (
	"math/rand/v2"
	"os"

	"github.com/triflow/triflow/gateway"
	"github.com/triflow/triflow/gateway/web"
	"github.com/triflow/triflow/pkg/handoff"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	gatewayv1 "github.com/triflow/triflow/proto/gen/triflow/gateway/v1"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
	"github.com/triflow/triflow/services/anomaly"
	"github.com/triflow/triflow/services/assembly"
	"github.com/triflow/triflow/services/diagnosis"
	"github.com/triflow/triflow/services/ingestion"
	"github.com/triflow/triflow/services/logs"
	"github.com/triflow/triflow/services/remediation"
	"github.com/triflow/triflow/services/sampling"
)

// Who gets whom. Each function makes one role and adds it to the process; the neighbours it is given are the generated
// clients over p.conn, which leads to the same process or to another.

func (p *process) sampling(cfg sampling.Config) (*sampling.Service, error) {
	dir, err := p.dir("sampling")
	if err != nil {
		return nil, err
	}
	s, err := sampling.New(cfg, sampling.Deps{
		Log: p.logger("sampling"), Meter: p.meter("sampling"), Now: now, Dir: dir,
		Dial: dialAddress,
	})
	if err != nil {
		return nil, err
	}
	p.add(deciders, "sampling", s.Run, s.Ready)
	return s, nil
}

// decisions gives the client of sampling, behind the cache that processes share if there is one.
func (p *process) decisions() samplingv1.SamplingServiceClient {
	client := samplingv1.NewSamplingServiceClient(p.conn("sampling"))
	if p.redis == nil {
		return client
	}
	return sampling.NewCachedClient(client, p.redis, p.log)
}

func (p *process) anomaly(cfg anomaly.Config) (*anomaly.Service, error) {
	dir, err := p.dir("anomaly")
	if err != nil {
		return nil, err
	}
	s, err := anomaly.New(cfg, anomaly.Deps{
		Log: p.logger("anomaly"), Meter: p.meter("anomaly"), Now: now, Dir: dir,
	})
	if err != nil {
		return nil, err
	}
	p.add(judges, "anomaly", s.Run, s.Ready)
	return s, nil
}

func (p *process) assembly(cfg assembly.Config) (*assembly.Service, error) {
	dir, err := p.dir("assembly")
	if err != nil {
		return nil, err
	}
	s, err := assembly.New(cfg, assembly.Deps{
		Log: p.logger("assembly"), Meter: p.meter("assembly"), Now: now, Dir: dir,
		Sampling: p.decisions(),
		Anomaly:  anomalyv1.NewAnomalyServiceClient(p.conn("anomaly")),
	})
	if err != nil {
		return nil, err
	}
	p.add(workers, "assembly", s.Run, s.Ready)
	return s, nil
}

func (p *process) logs(cfg logs.Config) (*logs.Service, error) {
	dir, err := p.dir("logs")
	if err != nil {
		return nil, err
	}
	s, err := logs.New(cfg, logs.Deps{
		Log: p.logger("logs"), Meter: p.meter("logs"), Now: now, Dir: dir,
		Anomaly: anomalyv1.NewAnomalyServiceClient(p.conn("anomaly")),
	})
	if err != nil {
		return nil, err
	}
	p.add(workers, "logs", s.Run, s.Ready)
	return s, nil
}

func (p *process) diagnosis(cfg diagnosis.Config) (*diagnosis.Service, error) {
	dir, err := p.dir("diagnosis")
	if err != nil {
		return nil, err
	}
	s, err := diagnosis.New(cfg, diagnosis.Deps{
		Log: p.logger("diagnosis"), Meter: p.meter("diagnosis"), Now: now, Dir: dir, Rand: random,
		Anomaly:  anomalyv1.NewAnomalyServiceClient(p.conn("anomaly")),
		Assembly: assemblyv1.NewAssemblyServiceClient(p.conn("assembly")),
		Logs:     logsv1.NewLogsServiceClient(p.conn("logs")),
		OnChange: p.changed,
	})
	if err != nil {
		return nil, err
	}
	p.add(workers, "diagnosis", s.Run, s.Ready)
	return s, nil
}

func (p *process) remediation(cfg remediation.Config) (*remediation.Service, error) {
	dir, err := p.dir("remediation")
	if err != nil {
		return nil, err
	}
	s, err := remediation.New(cfg, remediation.Deps{
		Log: p.logger("remediation"), Meter: p.meter("remediation"), Now: now, Dir: dir, Rand: random,
		Diagnosis: diagnosisv1.NewDiagnosisServiceClient(p.conn("diagnosis")),
		Sampling:  samplingv1.NewSamplingServiceClient(p.conn("sampling")),
		OnChange:  p.changed,
	})
	if err != nil {
		return nil, err
	}
	p.add(workers, "remediation", s.Run, s.Ready)
	return s, nil
}

// receivers own the signals that ingestion takes in.
type receivers struct{ traces, logs, metrics handoff.Receiver }

func (p *process) ingestion(cfg ingestion.Config, to receivers) (*ingestion.Service, error) {
	dir, err := p.dir("ingestion")
	if err != nil {
		return nil, err
	}
	s, err := ingestion.New(cfg, ingestion.Deps{
		Log: p.logger("ingestion"), Meter: p.meter("ingestion"), Now: now, Rand: rand.Float64, Dir: dir,
		LookupEnv: os.LookupEnv, Traces: to.traces, Logs: to.logs, Metrics: to.metrics, Dial: dialAddress,
	})
	if err != nil {
		return nil, err
	}
	p.add(intake, "ingestion", s.Run, s.Ready)
	return s, nil
}

func (p *process) gateway(cfg gateway.Config, inForce []*gatewayv1.Setting) (*gateway.Gateway, error) {
	page, _ := web.Files()
	g, err := gateway.New(cfg, gateway.Deps{
		Log: p.logger("gateway"), Watch: p.watch, Conn: p.connOf, Changes: p.bus, Settings: inForce, Page: page, Admin: p.admin(),
	})
	if err != nil {
		return nil, err
	}
	p.add(first, "gateway", g.Run, g.Ready)
	return g, nil
}
