package remediation

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
)

// auditMagic is the first line of the file.
const auditMagic = "triflow-audit 1\n"

// maxAuditLine bounds a line of the file in bytes.
const maxAuditLine = 1 << 16

// ErrAudit says that the audit trail cannot be trusted or written, so nothing may be done.
var ErrAudit = errors.New("audit trail is broken")

// audit is the append-only record of what the service did: a line of JSON (AuditEntry) for each event. The hash of an
// entry covers the hash before it, so a line that is changed, taken out or put in shows when the file is read.
//
// It is a plain file and not a table because it is only ever added to: nothing can rewrite it by mistake, it is
// synced once for each entry, and it can be read, copied and verified with common tools. A torn last line, which no
// caller has been told of, is cut off on opening. That lines are missing at the end shows in the plans (reconcile).
type audit struct {
	file *os.File

	mu      sync.Mutex // guards the rest; held over the write of a line, which is what puts them in order
	last    *remediationv1.AuditEntry
	entries map[string][]*remediationv1.AuditEntry // by plan
	broken  error
}

// openAudit opens or makes the file at path and verifies it. A broken chain is no error: it is told by Broken.
func openAudit(path string) (*audit, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open audit trail: %w", err)
	}
	a := &audit{file: file, entries: map[string][]*remediationv1.AuditEntry{}, last: &remediationv1.AuditEntry{}}
	end, err := a.load()
	if err != nil {
		a.broken = fmt.Errorf("%w: %w", ErrAudit, err)
		return a, nil
	}
	if end == 0 {
		_, err = file.WriteAt([]byte(auditMagic), 0)
		end = int64(len(auditMagic))
	}
	if err = errors.Join(err, file.Truncate(end), file.Sync()); err == nil {
		_, err = file.Seek(end, io.SeekStart)
	}
	if err == nil {
		err = syncFolder(path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open audit trail %s: %w", path, err), file.Close())
	}
	return a, nil
}

// Append adds an event and returns when it is on disk. Once it has failed it fails always, for what is in the file
// is then not known. The error is ErrAudit.
func (a *audit) Append(now time.Time, plan, event, actor, detail string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		return a.broken
	}
	e := &remediationv1.AuditEntry{
		Sequence: a.last.GetSequence() + 1, Time: timestamppb.New(now), RemediationId: plan,
		Event: event, Actor: actor, Detail: detail,
	}
	e.Hash = chain(a.last.GetHash(), e)
	line, err := protojson.Marshal(e)
	if err == nil && len(line) >= maxAuditLine {
		err = fmt.Errorf("entry of %d bytes, want fewer than %d", len(line), maxAuditLine)
	}
	if err == nil {
		_, err = a.file.Write(append(line, '\n'))
	}
	if err == nil {
		err = a.file.Sync()
	}
	if err != nil {
		a.broken = fmt.Errorf("%w: append entry %d: %w", ErrAudit, e.GetSequence(), err)
		return a.broken
	}
	a.last = e
	a.entries[plan] = append(a.entries[plan], e)
	return nil
}

// Of gives the entries of a plan, oldest first.
func (a *audit) Of(plan string) []*remediationv1.AuditEntry {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*remediationv1.AuditEntry(nil), a.entries[plan]...)
}

// Forget drops the entries of a plan from memory; the file keeps them.
func (a *audit) Forget(plan string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.entries, plan)
}

// Broken is nil while the trail can be trusted.
func (a *audit) Broken() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.broken
}

// Break notes a fault that was found elsewhere.
func (a *audit) Break(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken == nil {
		a.broken = fmt.Errorf("%w: %w", ErrAudit, err)
	}
}

func (a *audit) Close() error { return a.file.Close() }

// load reads and verifies the file; it gives the end of the last whole line, 0 for an empty file.
func (a *audit) load() (end int64, err error) {
	r := bufio.NewReaderSize(a.file, maxAuditLine)
	for number := 1; ; number++ {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return end, nil // what is left of a torn write is not part of the trail
		}
		if err != nil {
			return 0, fmt.Errorf("line %d: %w", number, err)
		}
		if number == 1 {
			if string(line) != auditMagic {
				return 0, fmt.Errorf("line 1: not an audit trail of version 1")
			}
		} else if err := a.take(line); err != nil {
			return 0, fmt.Errorf("line %d: %w", number, err)
		}
		end += int64(len(line))
	}
}

// take verifies a line against the one before it.
func (a *audit) take(line []byte) error {
	e := &remediationv1.AuditEntry{}
	if err := protojson.Unmarshal(line, e); err != nil {
		return err
	}
	if want := a.last.GetSequence() + 1; e.GetSequence() != want {
		return fmt.Errorf("entry %d, want %d", e.GetSequence(), want)
	}
	if chain(a.last.GetHash(), e) != e.GetHash() {
		return fmt.Errorf("entry %d does not have the hash of what it says", e.GetSequence())
	}
	a.last = e
	a.entries[e.GetRemediationId()] = append(a.entries[e.GetRemediationId()], e)
	return nil
}

// chain is the SHA-256, hex, over the hash before and the fields of e but its hash, each preceded by its length.
func chain(before string, e *remediationv1.AuditEntry) string {
	h := sha256.New()
	for _, part := range []string{
		before, fmt.Sprint(e.GetSequence()), e.GetTime().AsTime().Format(time.RFC3339Nano),
		e.GetRemediationId(), e.GetEvent(), e.GetActor(), e.GetDetail(),
	} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func clone[T proto.Message](m T) T { return proto.Clone(m).(T) }

// syncFolder makes the name of the file at path durable.
func syncFolder(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
