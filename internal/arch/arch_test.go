package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// file is one Go file of a tree. All files are read whatever their build tags: a rule holds on every system.
type file struct {
	path   string // from the root of the tree, with slashes
	pkg    string // the folder
	test   bool
	set    *token.FileSet
	syntax *ast.File
}

type violation struct {
	where string // path:line
	what  string
}

func (f file) at(n ast.Node, what string) violation {
	return violation{fmt.Sprintf("%s:%d", f.path, f.set.Position(n.Pos()).Line), what}
}

// imports gives the path behind each name that a file uses for a package.
func (f file) imports() map[string]string {
	names := map[string]string{}
	for _, spec := range f.syntax.Imports {
		p := strings.Trim(spec.Path.Value, `"`)
		name := path.Base(strings.TrimSuffix(p, "/v2"))
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	return names
}

func TestThePackagesImportInOneDirectionAndCoresArePure(t *testing.T) {
	files := tree(t, filepath.Join("..", ".."))
	require.Greater(t, len(files), 50, "the walk missed the tree")
	for _, f := range files {
		for _, v := range f.violations() {
			t.Errorf("%s: %s", v.where, v.what)
		}
	}
}

// The fixture breaks each rule. A line that does ends in "// want: " and a part of what has to be said about it.
func TestEveryRuleFiresOnWhatBreaksIt(t *testing.T) {
	root := filepath.Join("testdata", "bad")
	want, got := map[string]string{}, map[string]string{}
	mark := regexp.MustCompile(`// want: (.+)$`)
	for _, f := range tree(t, root) {
		text, err := os.ReadFile(filepath.Join(root, f.path))
		require.NoError(t, err)
		for i, line := range strings.Split(string(text), "\n") {
			if m := mark.FindStringSubmatch(line); m != nil {
				want[fmt.Sprintf("%s:%d", f.path, i+1)] = m[1]
			}
		}
		for _, v := range f.violations() {
			got[v.where] = v.what
		}
	}
	require.NotEmpty(t, want)
	for where, what := range got {
		require.Contains(t, want, where, what)
		require.Contains(t, what, want[where], where)
	}
	for where, what := range want {
		require.Contains(t, got, where, "nothing was said of: %s", what)
	}
}

// tree parses the Go files below root, without what belongs to other modules.
func tree(t *testing.T, root string) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if slices.Contains([]string{"test", "tools"}, rel) || slices.Contains([]string{"testdata", "node_modules"}, d.Name()) ||
				rel != "." && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, file{path: rel, pkg: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), set: set, syntax: syntax})
		return nil
	})
	require.NoError(t, err)
	return files
}
