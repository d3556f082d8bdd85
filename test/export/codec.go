package export

import (
	"fmt"

	"google.golang.org/grpc/mem"
)

// Codec lets gRPC send bytes that are encoded already, and gives answers as bytes.
type Codec struct{}

// Name implements encoding.CodecV2.
func (Codec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2. The bytes must not change until the call has ended.
func (Codec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("marshal %T: want bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

// Unmarshal implements encoding.CodecV2. It keeps a copy, since the buffers go back to gRPC.
func (Codec) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("unmarshal %T: want bytes", v)
	}
	*b = data.Materialize()
	return nil
}
