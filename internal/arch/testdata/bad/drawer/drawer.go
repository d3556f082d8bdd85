// Package drawer stands where no row knows it.
package drawer // want: no row says what drawer may import
