// Command triflow is an operations brain for OpenTelemetry: it takes telemetry in, samples it, puts traces together,
// and says which service is at fault and what to do about it. `triflow all` runs every role in one process.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/triflow/triflow/services/ingestion"
)

// version is set when a release is linked.
var version = "unversioned"

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

// cli holds every command. What a command runs is the method Run of its type.
type cli struct {
	Config kong.ConfigFlag `help:"YAML file of settings by their names; a flag or an environment variable comes before it." placeholder:"FILE" env:"TRIFLOW_CONFIG"`

	All         allCmd         `cmd:"" help:"Run every role in this process."`
	Ingestion   ingestionCmd   `cmd:"" set:"no=01" help:"Take OTLP in, and hand it on."`
	Sampling    samplingCmd    `cmd:"" set:"no=02" help:"Decide which traces to keep, the same everywhere."`
	Assembly    assemblyCmd    `cmd:"" set:"no=03" help:"Put traces together and keep them."`
	Logs        logsCmd        `cmd:"" set:"no=04" help:"Keep log records and mine their templates."`
	Anomaly     anomalyCmd     `cmd:"" set:"no=05" help:"Detect where series leave their own past."`
	Diagnosis   diagnosisCmd   `cmd:"" set:"no=06" help:"Say which service is at fault, and why."`
	Remediation remediationCmd `cmd:"" set:"no=07" help:"Plan what to do, and do what is approved."`
	Gateway     gatewayCmd     `cmd:"" help:"Serve REST, Connect, gRPC and the page."`
	Shop        shopCmd        `cmd:"" help:"Run the demo shop, which sends telemetry of twelve services."`
	WitnessKey  witnessKeyCmd  `cmd:"" help:"Print the public key of a collector for the witness-peers of others; make its key if there is none."`
	Settings    settingsCmd    `cmd:"" name:"config" help:"Print the settings of all roles as they are in force."`
	Docs        docsCmd        `cmd:"" hidden:"" help:"Write the reference of commands and settings."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

func main() {
	ingestion.AcceptZstd()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments; it gives the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ended := -1
	parser, err := newParser(stdout, stderr, func(code int) { ended = code })
	if err != nil {
		fmt.Fprintln(stderr, "triflow:", err)
		return exitUsage
	}
	ctx, err := parser.Parse(args)
	if ended >= 0 { // --help was printed
		return ended
	}
	if err != nil {
		fmt.Fprintf(stderr, "triflow: %v\n", err)
		if at := new(kong.ParseError); errors.As(err, &at) {
			fmt.Fprintf(stderr, "See `triflow %s`.\n", helpOf(at.Context))
		}
		return exitUsage
	}
	end, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(end, stop) // a second Ctrl-C ends the process at once
	ctx.BindTo(end, (*context.Context)(nil))
	if err := ctx.Run(ctx); err != nil {
		fmt.Fprintf(stderr, "triflow: %v\n", err)
		return exitFailed
	}
	return 0
}

func newParser(stdout, stderr io.Writer, exit func(int)) (*kong.Kong, error) {
	return kong.New(&cli{},
		kong.Name("triflow"), kong.Description("An operations brain for OpenTelemetry."),
		kong.Writers(stdout, stderr), kong.Exit(exit),
		kong.DefaultEnvars("TRIFLOW"), kong.Configuration(loadYAML),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 120}),
		kong.BindTo(stdout, (*io.Writer)(nil)))
}

// helpOf gives the arguments that show help about what was being parsed.
func helpOf(ctx *kong.Context) string {
	if at := ctx.Selected(); at != nil {
		return at.Name + " --help"
	}
	return "--help"
}

// versionCmd prints the version.
type versionCmd struct{}

// Run prints it.
func (versionCmd) Run(out io.Writer) error {
	_, err := fmt.Fprintln(out, "triflow", version)
	return err
}
