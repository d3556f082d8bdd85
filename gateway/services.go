package gateway

import (
	"context"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"

	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	gatewayv1 "github.com/triflow/triflow/proto/gen/triflow/gateway/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// service is a contract that the gateway opens to the outside.
type service struct {
	name       string
	descriptor protoreflect.ServiceDescriptor
	rest       func(context.Context, *runtime.ServeMux, grpc.ClientConnInterface) error
}

// services lists them all.
func services() []service {
	return []service{
		open(ingestionv1.File_triflow_ingestion_v1_ingestion_proto, "IngestionService", ingestionv1.RegisterIngestionServiceHandlerClient, ingestionv1.NewIngestionServiceClient),
		open(samplingv1.File_triflow_sampling_v1_sampling_proto, "SamplingService", samplingv1.RegisterSamplingServiceHandlerClient, samplingv1.NewSamplingServiceClient),
		open(assemblyv1.File_triflow_assembly_v1_assembly_proto, "AssemblyService", assemblyv1.RegisterAssemblyServiceHandlerClient, assemblyv1.NewAssemblyServiceClient),
		open(logsv1.File_triflow_logs_v1_logs_proto, "LogsService", logsv1.RegisterLogsServiceHandlerClient, logsv1.NewLogsServiceClient),
		open(anomalyv1.File_triflow_anomaly_v1_anomaly_proto, "AnomalyService", anomalyv1.RegisterAnomalyServiceHandlerClient, anomalyv1.NewAnomalyServiceClient),
		open(diagnosisv1.File_triflow_diagnosis_v1_diagnosis_proto, "DiagnosisService", diagnosisv1.RegisterDiagnosisServiceHandlerClient, diagnosisv1.NewDiagnosisServiceClient),
		open(remediationv1.File_triflow_remediation_v1_remediation_proto, "RemediationService", remediationv1.RegisterRemediationServiceHandlerClient, remediationv1.NewRemediationServiceClient),
		open(gatewayv1.File_triflow_gateway_v1_gateway_proto, "ConfigService", gatewayv1.RegisterConfigServiceHandlerClient, gatewayv1.NewConfigServiceClient),
		open(gatewayv1.File_triflow_gateway_v1_gateway_proto, "LiveService", gatewayv1.RegisterLiveServiceHandlerClient, gatewayv1.NewLiveServiceClient),
	}
}

// open joins the descriptor of a service with the generated code that serves its REST paths.
func open[C any](file protoreflect.FileDescriptor, name protoreflect.Name,
	register func(context.Context, *runtime.ServeMux, C) error, client func(grpc.ClientConnInterface) C,
) service {
	d := file.Services().ByName(name)
	return service{
		name: string(d.FullName()), descriptor: d,
		rest: func(ctx context.Context, mux *runtime.ServeMux, conn grpc.ClientConnInterface) error {
			return register(ctx, mux, client(conn))
		},
	}
}
