// Command triflow may import them all.
package main

import (
	_ "github.com/triflow/triflow/gateway"
	_ "github.com/triflow/triflow/services/beta"
)

func main() {}
