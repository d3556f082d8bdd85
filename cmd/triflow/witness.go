package main

import (
	"fmt"
	"io"

	"github.com/triflow/triflow/services/ingestion"
)

// witnessKeyCmd shows by which key other collectors know one.
type witnessKeyCmd struct {
	File string `arg:"" type:"path" help:"Key file, as ingestion-witness-key has it; it is made if it is not there."`
}

// Run prints the public key.
func (c witnessKeyCmd) Run(out io.Writer) error {
	public, err := ingestion.WitnessKey(c.File)
	if err != nil {
		return fmt.Errorf("witness key: %w", err)
	}
	_, err = fmt.Fprintln(out, public)
	return err
}
