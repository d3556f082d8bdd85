package handoff

import (
	"fmt"
	"hash/crc32"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// frame is a PushRequest on its way out. Its payload goes to the connection as it is: a generated message would be copied
// to be encoded, which costs as much as all else that is done to it here.
type frame struct {
	head    []byte // all fields but the payload, and its tag and length
	payload []byte
	free    func() // when the payload is needed no more; may be nil
}

// newFrame encodes b, whose payload must not change until free was called. Nothing is done with free if it fails.
func newFrame(b Batch, payload []byte, digest uint32, sequence uint64, free func()) *frame {
	h := make([]byte, 0, 96+len(b.Sender)+len(b.Tenant))
	h = appendText(h, 1, b.Sender)
	h = appendNumber(h, 2, sequence)
	h = appendNumber(h, 3, b.Position)
	h = appendNumber(h, 4, b.TotalItems)
	h = appendNumber(h, 5, uint64(b.Items))
	h = appendNumber(h, 6, uint64(b.Signal))
	h = protowire.AppendFixed32(protowire.AppendTag(h, 7, protowire.Fixed32Type), digest)
	if !b.ReceiveTime.IsZero() {
		var at [24]byte
		t := appendNumber(at[:0], 1, uint64(b.ReceiveTime.Unix()))
		t = appendNumber(t, 2, uint64(b.ReceiveTime.Nanosecond()))
		h = protowire.AppendBytes(protowire.AppendTag(h, 8, protowire.BytesType), t)
	}
	h = appendText(h, 10, b.Tenant)
	h = protowire.AppendVarint(protowire.AppendTag(h, 9, protowire.BytesType), uint64(len(payload)))
	return &frame{head: h, payload: payload, free: free}
}

// appendNumber leaves zeros out, as proto3 does.
func appendNumber(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendText(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

// buffers gives the frame to gRPC, which frees it in the end.
func (f *frame) buffers() mem.BufferSlice {
	if mem.IsBelowBufferPoolingThreshold(cap(f.payload)) { // gRPC would never free it
		head := append(f.head, f.payload...)
		f.Put(nil)
		return mem.BufferSlice{mem.SliceBuffer(head)}
	}
	return mem.BufferSlice{mem.SliceBuffer(f.head), mem.NewBuffer(&f.payload, f)}
}

// Get implements mem.BufferPool; nothing is got here.
func (f *frame) Get(length int) *[]byte {
	b := make([]byte, length)
	return &b
}

// Put implements mem.BufferPool: gRPC is through with the payload.
func (f *frame) Put(*[]byte) {
	if f.free != nil {
		f.free()
	}
}

// frames is the codec of a stream of frames.
type frames struct{}

var _ encoding.CodecV2 = frames{}

// Name implements encoding.CodecV2.
func (frames) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (frames) Marshal(v any) (mem.BufferSlice, error) {
	f, ok := v.(*frame)
	if !ok {
		return nil, fmt.Errorf("marshal %T: want a frame", v)
	}
	return f.buffers(), nil
}

// Unmarshal implements encoding.CodecV2.
func (frames) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*handoffv1.PushResponse)
	if !ok {
		return fmt.Errorf("unmarshal %T: want a response", v)
	}
	return proto.Unmarshal(data.Materialize(), m)
}

// Digest is the CRC-32C of a payload. Who computes it while the payload is in the cache of the processor saves a Client
// from reading it once more.
func Digest(payload []byte) uint32 {
	return crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli)) // the table is made once by the library
}
