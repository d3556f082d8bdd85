// Package core breaks the rules of a core.
package core

import (
	crypto "crypto/rand"
	"log/slog" // want: imports log/slog
	"math/rand/v2"
	"net/http" // want: imports net/http
	"os"       // want: imports os
	"time"

	"google.golang.org/grpc/codes" // want: imports google.golang.org/grpc/codes
)

// X does what a core may not.
func X(r *rand.Rand, now time.Time) {
	_ = now.Add(time.Second)
	_ = r.IntN(3)
	_ = rand.New(rand.NewPCG(1, 2))
	_ = time.Now()         // want: reads the clock by time.Now
	<-time.After(1)        // want: reads the clock by time.After
	_ = rand.IntN(3)       // want: takes chance from rand.IntN
	go X(r, now)           // want: starts a goroutine
	_ = crypto.Reader      // want: takes chance from crypto/rand
	_ = []any{slog.Info, http.Get, os.Exit, codes.OK}
}
