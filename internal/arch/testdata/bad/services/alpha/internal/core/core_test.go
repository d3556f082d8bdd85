package core

import (
	"os"
	"time"
)

// A test of a core may read a file and the clock.
var _ = []any{os.ReadFile, time.Now}
