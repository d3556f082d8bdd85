package logs

import (
	"errors"
	"fmt"
	"time"
)

// Config says how much the service keeps and how it mines.
type Config struct {
	Retention    time.Duration `name:"retention" default:"72h" help:"How long after its time a record is kept, 1m to 8760h."`
	MaxBytes     int64         `name:"max-bytes" default:"4294967296" help:"Most bytes of records kept, before compression; the oldest go first. At least 1048576."`
	MaxTemplates int           `name:"max-templates" default:"1000" help:"Templates kept for each service; what has no room is counted under \"other\". 1 to 100000."`
	MaxServices  int           `name:"max-services" default:"500" help:"Services with templates of their own; the records of further ones are counted together. 1 to 100000."`
	MaxTokens    int           `name:"max-tokens" default:"128" help:"Tokens of a line that its template is made from, 4 to 1024."`
	Queue        int           `name:"queue" default:"64" help:"Batches that wait for the writer; when it is full, Push waits. 1 to 4096."`
	Step         time.Duration `name:"step" default:"5s" help:"Interval of the template rates, 1s to 1m."`
	ScanLimit    int           `name:"scan-limit" default:"100000" help:"Records looked at for one page of a search; what is left comes with the next page. 1000 to 10000000."`
}

// Validate names every value that is out of its range.
func (c Config) Validate() error {
	return errors.Join(
		within("logs.retention", c.Retention, time.Minute, 8760*time.Hour),
		within("logs.max_bytes", c.MaxBytes, 1<<20, 1<<60),
		within("logs.max_templates", c.MaxTemplates, 1, 100_000),
		within("logs.max_services", c.MaxServices, 1, 100_000),
		within("logs.max_tokens", c.MaxTokens, 4, 1024),
		within("logs.queue", c.Queue, 1, 4096),
		within("logs.step", c.Step, time.Second, time.Minute),
		within("logs.scan_limit", c.ScanLimit, 1000, 10_000_000),
	)
}

func within[T int | int64 | time.Duration](name string, v, low, high T) error {
	if v < low || v > high {
		return fmt.Errorf("%s: %v, want %v to %v", name, v, low, high)
	}
	return nil
}
