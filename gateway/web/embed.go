//go:build web

package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files gives the built page, with index.html at its root, and true: this binary carries it.
func Files() (fs.FS, bool) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, false // only for an invalid name, and this one is constant
	}
	return files, true
}
