package cases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// scenario is a case as its file has it.
type scenario struct {
	ID          string          `json:"id"`
	Source      json.RawMessage `json:"source"`
	Signal      string          `json:"signal"`
	Transport   string          `json:"transport"`
	SpecValid   *bool           `json:"spec_valid"`
	Description string          `json:"description"`
	Input       input           `json:"input"`
	Expect      expect          `json:"expect"`
}

// input is one request, or steps.
type input struct {
	OTLPJSON json.RawMessage   `json:"otlp_json"`
	Raw      []byte            `json:"raw_base64"`
	Method   string            `json:"method"`
	Path     string            `json:"path"`
	Headers  map[string]string `json:"headers"`
	Steps    []step            `json:"steps"`
}

// step is one thing to do.
type step struct {
	Do       string            `json:"do"`
	Method   string            `json:"method"`
	Path     string            `json:"path"`
	Headers  map[string]string `json:"headers"`
	JSON     json.RawMessage   `json:"json"`
	Body     []byte            `json:"body_base64"`
	Times    int               `json:"times"`
	Parallel int               `json:"parallel"`
	OfStep   int               `json:"of_step"`
	Seconds  float64           `json:"s"`
}

// expect is what is right. The words of an outcome are in the table words.
type expect struct {
	Preferred  outcome   `json:"preferred"`
	Tolerated  []outcome `json:"tolerated"`
	Checks     []outcome `json:"checks"`
	Forbidden  []string  `json:"forbidden"`
	Invariants []string  `json:"invariants"`
	Notes      string    `json:"notes"`
}

// outcome is what must hold together: a value for each word.
type outcome map[string]any

// load reads a case whose literal times are moved by shift. Of a case that does not come in by OTLP it gives the signal only.
func load(path string, shift time.Duration) (*scenario, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(moveText(text, shift)))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	var head struct{ Signal string }
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("case %s: %w", filepath.Base(path), err)
	}
	if c := (&scenario{Signal: head.Signal}); !c.ingested() {
		return c, nil // its words are for another harness
	}
	var c scenario
	if err := decoder.Decode(&c); err != nil {
		return nil, fmt.Errorf("case %s: %w", filepath.Base(path), err)
	}
	if name := strings.TrimSuffix(filepath.Base(path), ".json"); c.ID != name {
		return nil, fmt.Errorf("case %s: id %q, want the file's name", name, c.ID)
	}
	c.Input.Raw = moveBytes(c.Input.Raw, shift)
	for i := range c.Input.Steps {
		c.Input.Steps[i].Body = moveBytes(c.Input.Steps[i].Body, shift)
	}
	return &c, nil
}

// ingested tells whether the case comes in by OTLP.
func (c *scenario) ingested() bool {
	switch c.Signal {
	case "traces", "metrics", "logs":
		return true
	}
	return false
}

// steps gives the input as steps, a single request as one.
func (c *scenario) steps() []step {
	if c.Input.Steps != nil {
		return c.Input.Steps
	}
	one := step{Do: "send_http", Method: c.Input.Method, Path: c.Input.Path, Headers: c.Input.Headers, JSON: c.Input.OTLPJSON, Body: c.Input.Raw}
	if c.Transport == "grpc" {
		one.Do = "send_grpc"
	}
	if c.Input.OTLPJSON != nil {
		one.Headers = map[string]string{"Content-Type": "application/json"}
	}
	return []step{one}
}
