package main

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddressesAreReadFromWhatTheProcessPrints(t *testing.T) {
	said := "Triflow v1 is ready.\n  page     http://127.0.0.1:1\n  REST     http://127.0.0.1:1/api/v1/services, described at /openapi.json\n" +
		"  OTLP     127.0.0.1:2 over gRPC, http://127.0.0.1:3 over HTTP\n  data     /tmp/x\n"
	require.Equal(t, []string{"http://127.0.0.1:1", "127.0.0.1:2"}, regexp.MustCompile(greeting).FindStringSubmatch(said)[1:])
	require.NotRegexp(t, greeting, "Triflow v1 is ready.\n")
}

func TestOnlyWarningsErrorsAndPanicsAreComplaints(t *testing.T) {
	require.Equal(t, map[string]int{"WARN slow": 2, "panic: oh": 1}, complaints("Triflow v1 is ready.\n"+
		"level=INFO msg=serving\nlevel=WARN msg=slow\nlevel=WARN msg=slow\npanic: oh\n"))
}
