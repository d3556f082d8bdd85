// Package settings reads the defaults of a configuration from where they are declared: the tags of its fields.
package settings

import "github.com/alecthomas/kong"

// Defaults gives a T with every field at the default of its tag. It panics if a tag does not fit its field, which is
// a fault of the program and shows in the first test.
func Defaults[T any]() T {
	var c T
	if err := kong.ApplyDefaults(&c); err != nil {
		panic(err)
	}
	return c
}
