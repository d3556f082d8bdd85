package ingestion

import (
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// firstBytes is the size of the buffer that a request starts with; it doubles from there.
const firstBytes = 32 << 10

// fill reads all of in, at most MaxBytes, and counts the bytes against the ceiling as they come; held are to be given
// back, also after a refusal.
func (s *Service) fill(in io.Reader) (b []byte, held int64, no *refusal) {
	for {
		if len(b) == cap(b) {
			grow := int64(max(len(b), firstBytes))
			if no := s.ceiling.reserve(grow); no != nil {
				return nil, held, no
			}
			held += grow
			b = append(make([]byte, 0, held), b...)
		}
		n, err := in.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case len(b) > s.cfg.MaxBytes:
			return nil, held, overLimit(s.cfg.MaxBytes)
		case errors.Is(err, io.EOF):
			return b, held, nil
		case err != nil:
			return nil, held, refuse(malformed, "read body: %v", err)
		}
	}
}

// unpack is fill for gzip. The packed form, too, may have MaxBytes.
func (s *Service) unpack(in io.Reader) (b []byte, held int64, no *refusal) {
	in = io.LimitReader(in, int64(s.cfg.MaxBytes))
	z, used := s.unpackers.Get().(*gzip.Reader)
	var err error
	if used {
		err = z.Reset(in)
	} else {
		z, err = gzip.NewReader(in)
	}
	if err != nil {
		return nil, 0, refuse(malformed, "unpack gzip: %v", err)
	}
	defer s.unpackers.Put(z)
	return s.fill(z)
}
