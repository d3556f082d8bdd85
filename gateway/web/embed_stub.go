//go:build !web

package web

import "io/fs"

// Files gives nil and false: this binary was built without the page. Run `npm run build` in this folder, then build
// with -tags web.
func Files() (fs.FS, bool) {
	return nil, false
}
