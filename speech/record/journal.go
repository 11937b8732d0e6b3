package record

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"syscall"
)

// A journal is journalHeader and then entries: the payload's length and the length's CRC32C, 4 bytes each, little-endian; the payload; and 32 bytes,
// SHA-256 over the chain so far, the length and the payload. The chain begins with the header's SHA-256. The length has its own sum because a wrong one
// would make a damaged entry look like one that was cut short, and with it everything behind it.
const (
	journalHeader = "courtsense/rec1\n"
	frameBytes    = 8
	hashBytes     = sha256.Size
	// maxPayload bounds an entry: some thousand turns, or the longest that a client may send.
	maxPayload = 16 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type chainHash [hashBytes]byte

// link chains an entry to what is before it. length is the payload's as it is written.
func (h chainHash) link(length, payload []byte) chainHash {
	s := sha256.New()
	s.Write(h[:])
	s.Write(length)
	s.Write(payload)
	return chainHash(s.Sum(nil))
}

func chainStart() chainHash { return sha256.Sum256([]byte(journalHeader)) }

// frame is an entry as it is written behind a chain that ends in head.
func frame(head chainHash, payload []byte) ([]byte, chainHash) {
	b := make([]byte, frameBytes, frameBytes+len(payload)+hashBytes)
	binary.LittleEndian.PutUint32(b, uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[:4], castagnoli))
	next := head.link(b[:4], payload)
	return append(append(b, payload...), next[:]...), next
}

// errTorn tells that the journal ends in an entry that was not written to its end, as a crash leaves it. Nobody was told that it is there.
var errTorn = errors.New("the last entry is not whole")

// scanner reads a journal's entries and checks them.
type scanner struct {
	r    *bufio.Reader
	path string
	size int64 // of the file
	at   int64 // end of the last good entry
	n    int64 // good entries so far
	head chainHash
}

func newScanner(r io.ReaderAt, size int64, path string) (*scanner, error) {
	s := &scanner{r: bufio.NewReaderSize(io.NewSectionReader(r, 0, size), 1<<16), path: path, size: size, head: chainStart()}
	b := make([]byte, len(journalHeader))
	if _, err := io.ReadFull(s.r, b); err != nil && !cutShort(err) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if string(b) != journalHeader {
		return nil, &DamageError{Path: path, Detail: "it does not begin like a journal of this version"}
	}
	s.at = int64(len(b))
	return s, nil
}

func cutShort(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// next returns the next payload; io.EOF behind the last one, errTorn before one that was not written to its end, a [*DamageError] before one that was
// changed.
func (s *scanner) next() ([]byte, error) {
	left := s.size - s.at
	if left == 0 {
		return nil, io.EOF
	}
	if left < frameBytes {
		return nil, errTorn
	}
	prefix := make([]byte, frameBytes)
	if _, err := io.ReadFull(s.r, prefix); err != nil {
		return nil, s.failed(err)
	}
	length := int64(binary.LittleEndian.Uint32(prefix))
	if crc32.Checksum(prefix[:4], castagnoli) != binary.LittleEndian.Uint32(prefix[4:]) {
		if unwritten, err := s.unwritten(); err != nil || unwritten {
			return nil, cmp.Or(err, errTorn)
		}
		return nil, s.damaged("its length is not the one that was written")
	}
	if length > maxPayload {
		return nil, s.damaged(fmt.Sprintf("it has %d bytes, at most %d are written", length, maxPayload))
	}
	if left < frameBytes+length+hashBytes {
		return nil, errTorn
	}
	b := make([]byte, length+hashBytes)
	if _, err := io.ReadFull(s.r, b); err != nil {
		return nil, s.failed(err)
	}
	payload, hash := b[:length:length], chainHash(b[length:])
	next := s.head.link(prefix[:4], payload)
	if next != hash {
		if cut := cutHash(hash, next); cut > 0 {
			unwritten, err := s.unwritten()
			if err != nil {
				return nil, err
			}
			if unwritten && cut+int(left-frameBytes-length-hashBytes) >= surelyUnwritten {
				return nil, errTorn
			}
		}
		return nil, s.damaged("its bytes, or the chain before it, are not those that were written")
	}
	s.at += frameBytes + length + hashBytes
	s.n, s.head = s.n+1, next
	return payload, nil
}

// After a power cut a file may be longer than what was written of it; then it ends in zeros, which no entry does.
const surelyUnwritten = 4 // zeros: fewer may be a changed byte

// unwritten tells whether all that comes is zeros.
func (s *scanner) unwritten() (bool, error) {
	b := make([]byte, 4096)
	for {
		n, err := s.r.Read(b)
		if len(bytes.Trim(b[:n], "\x00")) > 0 {
			return false, nil
		}
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, s.failed(err)
		}
	}
}

// cutHash counts the zeros that a hash ends in, when what is before them is the beginning of the right one or the payload was cut already.
func cutHash(hash, right chainHash) int {
	kept := len(bytes.TrimRight(hash[:], "\x00"))
	if !bytes.Equal(hash[:kept], right[:kept]) {
		return 0
	}
	return len(hash) - kept
}

func (s *scanner) damaged(detail string) error {
	return &DamageError{Path: s.path, Entry: s.n + 1, Offset: s.at, Detail: detail}
}

func (s *scanner) failed(err error) error {
	if cutShort(err) {
		return errTorn // the file became shorter under the reader
	}
	return fmt.Errorf("%s: entry %d: %w", s.path, s.n+1, err)
}

// file is what a journal and the sound are written to.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
	Stat() (fs.FileInfo, error)
}

// journal appends to a journal whose entries were read. It is not safe for concurrent use.
type journal struct {
	f    file
	path string
	end  int64 // of the last entry that is on the disk for certain
	head chainHash
	// unclean tells that there may be bytes behind end, of an entry that failed.
	unclean bool
}

// append returns when the entry is on the disk. After a failure nothing of it is left, or it is cut off before the next one is written.
func (j *journal) append(payload []byte) error {
	if len(payload) > maxPayload {
		return fmt.Errorf("%w: an entry of %d bytes, at most %d are kept at once; send it in parts", ErrInvalid, len(payload), maxPayload)
	}
	if err := j.clean(); err != nil {
		return err
	}
	b, head := frame(j.head, payload)
	_, err := j.f.WriteAt(b, j.end)
	if err == nil {
		// A failed fsync must not be tried again: the kernel may have dropped the pages and say that all is well. The bytes are cut off instead.
		err = j.f.Sync()
	}
	if err != nil {
		j.unclean = true
		return errors.Join(translate(j.path, err), j.clean())
	}
	j.end, j.head = j.end+int64(len(b)), head
	return nil
}

// clean cuts off what a failed append left.
func (j *journal) clean() error {
	if !j.unclean {
		return nil
	}
	err := j.f.Truncate(j.end)
	if err == nil {
		err = j.f.Sync()
	}
	if err != nil {
		return translate(j.path, err)
	}
	j.unclean = false
	return nil
}

// translate names what the file system complains about.
func translate(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("%w: %s can't grow: make room on its disk (%w)", ErrFull, path, err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %s and its folder must be writable by this process (%w)", ErrReadOnly, path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}
