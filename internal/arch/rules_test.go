package arch

import (
	"go/ast"
	"path"
	"slices"
	"strings"
)

// module is the path of the product's module.
const module = "github.com/triflow/triflow/"

// row says what the packages below a folder may import of ours. "." stands for the folder itself, and in services/*
// for one's own service.
type row struct {
	from string
	may  []string
	why  string
}

var rows = []row{
	{"cmd", []string{".", "services", "gateway", "tilt", "pkg", "proto/gen", "internal"}, "cmd puts the parts together"},
	{"services/*", []string{".", "pkg", "proto/gen"}, "a service knows its neighbours only by their contracts"},
	{"gateway", []string{".", "pkg", "proto/gen"}, "the gateway knows the services only by their contracts"},
	{"tilt", []string{".", "pkg", "proto/gen"}, "the shop is an outsider that sends telemetry"},
	{"pkg", []string{".", "proto/gen"}, "pkg never looks up"},
	{"proto", []string{"."}, "contracts stand alone"},
	{"sdk", []string{"."}, "an application that links the SDK links nothing else of ours"},
	{"internal", []string{".", "pkg", "proto/gen"}, "checks of the tree use no part of the product"},
}

// impure are the packages, with all below them, that a core does not import: its effects go out as values.
var impure = []string{
	"net", "os", "log", "syscall", "database/sql",
	"google.golang.org/grpc", "connectrpc.com/connect", "go.opentelemetry.io/otel",
	"github.com/cockroachdb/pebble", "github.com/hashicorp", "github.com/redis", "github.com/ClickHouse",
	module + "pkg/rpc", module + "pkg/live", module + "pkg/table", module + "pkg/telemetry", module + "pkg/wal",
}

// clock and global are functions whose answer is not in their arguments. A *rand.Rand that was given is welcome.
var (
	clock  = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}
	seeded = []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "NewSource", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}
)

// violations gives what file does against the rules, each on its line.
func (f file) violations() []violation {
	var found []violation
	r, own, known := rule(f.pkg)
	if !known {
		found = append(found, f.at(f.syntax.Name, "no row says what "+f.pkg+" may import"))
	}
	core := strings.HasPrefix(f.pkg, "services/") && strings.Contains(f.pkg+"/", "/internal/") && !f.test
	for _, spec := range f.syntax.Imports {
		to := strings.Trim(spec.Path.Value, `"`)
		if inside, ours := strings.CutPrefix(to, module); ours && known && !allowed(inside, r, own) {
			found = append(found, f.at(spec, f.pkg+" imports "+inside+": "+r.why))
		}
		if core && slices.ContainsFunc(impure, func(p string) bool { return below(to, p) }) {
			found = append(found, f.at(spec, "the core "+f.pkg+" imports "+to))
		}
		if to == "C" {
			found = append(found, f.at(spec, f.pkg+" needs C: the product is pure Go"))
		}
	}
	if core {
		found = append(found, f.effects()...)
	}
	return found
}

// effects finds in a core the goroutines and the calls whose answer is not in their arguments.
func (f file) effects() []violation {
	names := f.imports()
	var found []violation
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, f.at(n, "the core "+f.pkg+" starts a goroutine"))
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok || x.Obj != nil { // a variable that is called like the package
				return true
			}
			switch names[x.Name] {
			case "time":
				if slices.Contains(clock, n.Sel.Name) {
					found = append(found, f.at(n, "the core "+f.pkg+" reads the clock by time."+n.Sel.Name))
				}
			case "math/rand", "math/rand/v2":
				if !slices.Contains(seeded, n.Sel.Name) {
					found = append(found, f.at(n, "the core "+f.pkg+" takes chance from rand."+n.Sel.Name))
				}
			case "crypto/rand":
				found = append(found, f.at(n, "the core "+f.pkg+" takes chance from crypto/rand"))
			}
		}
		return true
	})
	return found
}

// rule finds the row of a package and the folder that is its own.
func rule(pkg string) (r row, own string, known bool) {
	for _, r := range rows {
		head, tail, _ := strings.Cut(pkg, "/")
		switch {
		case r.from == head:
			return r, head, true
		case r.from == head+"/*" && tail != "":
			service, _, _ := strings.Cut(tail, "/")
			return r, path.Join(head, service), true
		}
	}
	return row{}, "", false
}

func allowed(to string, r row, own string) bool {
	return slices.ContainsFunc(r.may, func(may string) bool {
		if may == "." {
			may = own
		}
		return below(to, may)
	})
}

// below reports whether p is folder or stands below it.
func below(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }
