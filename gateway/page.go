package gateway

import (
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// noPage is what a browser gets from a binary without the page.
const noPage = "This binary was built without the page; `make build` builds both. REST is at /api/v1, its description at /openapi.json.\n"

// mountPage serves the page's files where nothing else is served; files is nil when the binary has none.
func mountPage(mux *http.ServeMux, files fs.FS) {
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			http.Error(w, "nothing is served at "+r.Method+" "+r.URL.Path, http.StatusNotFound) // UNIMPLEMENTED to gRPC
		case files != nil:
			servePage(w, r, files)
		case r.URL.Path == "/":
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write([]byte(noPage))
		default:
			http.NotFound(w, r)
		}
	})
}

// servePage serves a file of the page. A path that is no file is one of the page's own views, and gets index.html.
func servePage(w http.ResponseWriter, r *http.Request, files fs.FS) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	info, err := fs.Stat(files, name)
	isFile, isAsset := err == nil && !info.IsDir(), strings.HasPrefix(name, "assets/")
	switch {
	case isFile && isAsset:
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // their names hold their hash
	case isFile:
		w.Header().Set("Cache-Control", "no-cache")
	case isAsset:
		http.NotFound(w, r)
		return
	default:
		w.Header().Set("Cache-Control", "no-cache")
		name = "index.html"
	}
	http.ServeFileFS(w, r, files, name)
}
