// Package page does the pagination of list calls as AIP-158 has it: a size with a default and a limit, and an opaque
// token that carries on where the last page ended. A token is bound to the filter it was made for, so that a page
// of another question is an error and not a wrong answer.
package page

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// ErrToken says that a page token was not made by Encode for this filter.
var ErrToken = errors.New("not a token of this query, want next_page_token of a call with the same filter")

// Size gives the number of rows for a page_size of n: def for 0, and an error below 0 or above limit.
func Size(n int32, def, limit int) (int, error) {
	switch {
	case n == 0:
		return def, nil
	case n < 0 || int(n) > limit:
		return 0, fmt.Errorf("%d, want 1 to %d", n, limit)
	}
	return int(n), nil
}

// Encode makes the token that goes on after cursor in the list that filter asks for; an empty cursor gives "".
func Encode(filter proto.Message, cursor string) string {
	if cursor == "" {
		return ""
	}
	b := binary.BigEndian.AppendUint64(nil, digest(filter))
	return base64.RawURLEncoding.EncodeToString(append(b, cursor...))
}

// Decode gives the cursor of a token; "" for no token. The error is ErrToken.
func Decode(filter proto.Message, token string) (string, error) {
	if token == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) <= 8 || binary.BigEndian.Uint64(b) != digest(filter) {
		return "", ErrToken
	}
	return string(b[8:]), nil
}

// digest hashes the filter without its page fields, which change from page to page.
func digest(filter proto.Message) uint64 {
	m := proto.Clone(filter)
	r := m.ProtoReflect()
	for _, name := range []protoreflect.Name{"page_size", "page_token"} {
		if f := r.Descriptor().Fields().ByName(name); f != nil {
			r.Clear(f)
		}
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return 0
	}
	return xxhash.Sum64(b)
}
