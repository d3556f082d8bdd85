package ring_test

import (
	"fmt"

	"github.com/triflow/triflow/sdk/ring"
)

func Example() {
	r := ring.New[string](2)
	fmt.Println(r.Offer("a"), r.Offer("b"), r.Offer("c"))

	batch := make([]string, 8)
	n := r.TakeBatch(batch)
	fmt.Println(batch[:n])
	// Output:
	// true true false
	// [a b]
}
