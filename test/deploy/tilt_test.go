package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// tilt stands in for Tilt: it runs a Tiltfile as Starlark and records what the file asks for. It shows that the file
// runs, that the arguments have names Tilt knows, that files exist and that resources need resources which exist. It
// does not show that Tilt starts them.
type tilt struct {
	t         *testing.T
	dir       string
	flags     map[string]bool
	resources map[string]bool
	needs     [][2]string // who, whom
	calls     map[string]int
	commands  []string // what is served
}

// params are the arguments of Tilt's functions that a Tiltfile of ours may use.
var params = map[string][]string{
	"local_resource": {
		"name", "cmd", "dir", "env", "deps", "ignore", "serve_cmd", "serve_dir", "serve_env", "resource_deps",
		"readiness_probe", "links", "labels",
	},
	"docker_build":    {"ref", "context", "dockerfile", "build_args", "only"},
	"k8s_yaml":        {"yaml"},
	"kustomize":       {"pathToDir"},
	"k8s_resource":    {"workload", "resource_deps", "port_forwards", "labels"},
	"probe":           {"http_get", "period_secs"},
	"http_get_action": {"port", "path"},
	"link":            {"url", "name"},
}

func TestTheTiltfileRunsInEveryMode(t *testing.T) {
	b := compile(t)
	pods := []string{
		"binary", "ingestion", "sampling", "assembly", "logs", "anomaly", "diagnosis", "remediation", "gateway", "shop", "page",
	}
	for name, tc := range map[string]struct {
		flag string
		want []string
	}{
		"roles":      {"", pods},
		"all":        {"all", []string{"binary", "triflow", "shop", "page"}},
		"kubernetes": {"kubernetes", pods},
	} {
		t.Run(name, func(t *testing.T) {
			w := run(t, tc.flag)
			require.ElementsMatch(t, tc.want, keys(w.resources))
			for _, n := range w.needs {
				require.True(t, w.resources[n[1]], "%s needs %s, which the Tiltfile does not define", n[0], n[1])
			}
			require.Equal(t, tc.flag == "kubernetes", w.calls["k8s_yaml"] == 1)
			for _, command := range w.commands {
				if _, args, ours := strings.Cut(command, "triflow "); ours {
					require.Empty(t, b.takes(strings.Fields(args)), command)
				}
			}
		})
	}
}

func run(t *testing.T, flag string) *tilt {
	t.Helper()
	w := &tilt{t, filepath.Join(root, "tilt"), map[string]bool{flag: true}, map[string]bool{}, nil, map[string]int{}, nil}
	env := starlark.StringDict{"config": &starlarkstruct.Module{Name: "config", Members: starlark.StringDict{
		"define_bool": starlark.NewBuiltin("define_bool", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
			return starlark.None, nil
		}),
		"parse": starlark.NewBuiltin("parse", w.parse),
	}}}
	for name := range params {
		env[name] = starlark.NewBuiltin(name, w.record)
	}
	_, err := starlark.ExecFileOptions(&syntax.FileOptions{TopLevelControl: true, GlobalReassign: true},
		&starlark.Thread{Name: "Tiltfile"}, filepath.Join(w.dir, "Tiltfile"), nil, env)
	require.NoError(t, err)
	return w
}

func (w *tilt) parse(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	d := starlark.NewDict(len(w.flags))
	for f := range w.flags {
		if err := d.SetKey(starlark.String(f), starlark.True); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// record takes one call. It answers with the name of the function, which is as good as what Tilt would give.
func (w *tilt) record(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, named []starlark.Tuple) (starlark.Value, error) {
	known := params[b.Name()]
	given := map[string]starlark.Value{}
	for i, v := range args {
		given[known[i]] = v
	}
	for _, kv := range named {
		given[string(kv[0].(starlark.String))] = kv[1]
	}
	for name := range given {
		require.Contains(w.t, known, name, "argument of %s", b.Name())
	}
	w.calls[b.Name()]++
	switch b.Name() {
	case "local_resource", "k8s_resource":
		w.resource(text(given["name"])+text(given["workload"]), given)
	}
	for _, folder := range []string{"dir", "serve_dir", "context", "dockerfile", "pathToDir"} {
		w.exists(text(given[folder]))
	}
	if deps, ok := given["deps"].(*starlark.List); ok {
		for v := range deps.Elements() {
			w.exists(text(v))
		}
	}
	return starlark.String(b.Name()), nil
}

func (w *tilt) resource(name string, given map[string]starlark.Value) {
	require.NotEmpty(w.t, name)
	require.False(w.t, w.resources[name], "%s is defined twice", name)
	w.resources[name] = true
	w.commands = append(w.commands, text(given["serve_cmd"]))
	if needs, ok := given["resource_deps"].(*starlark.List); ok {
		for v := range needs.Elements() {
			w.needs = append(w.needs, [2]string{name, text(v)})
		}
	}
}

func (w *tilt) exists(path string) {
	if path == "" {
		return
	}
	_, err := os.Stat(filepath.Join(w.dir, path))
	require.NoError(w.t, err, fmt.Sprintf("the Tiltfile names %s", path))
}

func text(v starlark.Value) string {
	s, _ := starlark.AsString(v)
	return s
}
