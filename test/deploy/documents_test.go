package deploy

import (
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// documents are the texts for people; what is generated describes itself.
func documents(t *testing.T) []string {
	t.Helper()
	found := []string{"README.md", "CONTRIBUTING.md", "sdk/README.md"}
	require.NoError(t, fs.WalkDir(os.DirFS(root), "docs", func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".md") {
			found = append(found, p)
		}
		return err
	}))
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(text)
}

func TestEveryLinkOfTheDocumentsLeadsToAFile(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	for _, doc := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, doc), -1) {
			if !strings.Contains(m[1], "://") {
				_, err := os.Stat(filepath.Join(root, filepath.Dir(doc), m[1]))
				require.NoError(t, err, "link in %s", doc)
			}
		}
	}
}

// A command in a document is checked against what it calls: the target is in the Makefile, the flag in the help of the
// binary, the path in the tree, the address in the OpenAPI description. A command that is not known here is an error.
func TestEveryCommandOfTheDocumentsIsOneThatExists(t *testing.T) {
	c := checker{t, read(t, "Makefile"), apiPaths(t), compile(t)}
	block := regexp.MustCompile("(?ms)^```sh\n(.*?)^```")
	for _, doc := range documents(t) {
		for _, m := range block.FindAllStringSubmatch(read(t, doc), -1) {
			for line := range strings.Lines(strings.ReplaceAll(m[1], "\\\n", " ")) {
				c.command(doc, strings.TrimSpace(line))
			}
		}
	}
}

type checker struct {
	t        *testing.T
	makefile string
	paths    []*regexp.Regexp
	binary   *binary
}

func (c *checker) command(doc, line string) {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(line, "#") {
		return
	}
	check := func(ok bool, what string) {
		if !ok {
			c.t.Errorf("%s: %s: %s", doc, line, what)
		}
	}
	switch name := words[0]; name {
	case "make":
		for _, target := range words[1:] {
			if !strings.Contains(target, "=") {
				check(strings.Contains(c.makefile, "\n"+target+":"), "no such target")
			}
		}
	case "triflow", ".bin/triflow":
		check(c.binary.takes(words[1:]) == "", c.binary.takes(words[1:]))
	case "curl":
		check(c.served(words[len(words)-1]), "nothing is served there")
	case "export":
		check(strings.HasPrefix(words[1], "OTEL_"), "not a variable of an SDK")
	case "kubectl", "docker", "go", "tools/node_modules/.bin/buf":
		for _, word := range words[1:] {
			if head, _, _ := strings.Cut(strings.TrimPrefix(word, "./"), "/"); slices.Contains([]string{"deploy", "docs", "services"}, head) {
				_, err := os.Stat(filepath.Join(root, strings.TrimSuffix(word, "/...")))
				check(err == nil, "no such path: "+word)
			}
		}
	case "apt-get":
	default:
		check(false, "not a command that this test knows")
	}
}

// served reports whether the gateway, ingestion, a role's admin port or the demo shop answers to an address.
func (c *checker) served(address string) bool {
	u, err := url.Parse(strings.Trim(address, "'"))
	if err != nil {
		return false
	}
	switch {
	case u.Port() == "7070":
		return strings.HasPrefix(u.Path, "/faults")
	case u.Port() == "4318":
		return slices.Contains([]string{"/v1/traces", "/v1/logs", "/v1/metrics", "/api/v2/spans"}, u.Path)
	case u.Port() != "8080":
		return slices.Contains([]string{"/healthz", "/readyz", "/metrics"}, u.Path)
	case u.Path == "/openapi.json":
		return true
	}
	return slices.ContainsFunc(c.paths, func(p *regexp.Regexp) bool { return p.MatchString(u.Path) })
}

// apiPaths gives the paths of the OpenAPI description, with any value for each {parameter}.
func apiPaths(t *testing.T) []*regexp.Regexp {
	t.Helper()
	var description struct {
		Paths map[string]any `json:"paths"`
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, "gateway/openapi/triflow.swagger.json")), &description))
	var paths []*regexp.Regexp
	for p := range description.Paths {
		paths = append(paths, regexp.MustCompile("^"+regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(p, "[^/:]+")+"$"))
	}
	require.NotEmpty(t, paths)
	return paths
}
