package statute

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// The file, all numbers little-endian or varints (`courtsense statutes import` makes one):
//
//	magic "CSST", uint16 version = 1, uint16 zero
//	uint32 fingerprint of the readings; uint32 laws; uint32 articles; uint32 postings' length in bytes; uint64 length of the law table;
//	uint32 CRC-32 (Castagnoli) of the law table and of the head before it
//	law table: for each law title, version, effective, source (uvarint length and UTF-8 each), uvarint articles, offset and length of its block,
//	           length of the block unpacked, its CRC-32
//	buckets:   2^20+1 offsets into the postings, uint32 each; a bucket is a key's upper 20 bits
//	postings:  for each key of a bucket its lower 12 bits (uint16), uvarint number of articles, uvarint differences of their numbers
//	blocks:    for each law, DEFLATE: uvarint headings, each (uvarint length, UTF-8); for each article number, text (likewise), uvarint number of
//	           headings and their numbers
const (
	magic         = "CSST"
	formatVersion = 1
	headSize      = 8 + 4*4 + 8 + 4
	bucketBits    = 20
	buckets       = 1 << bucketBits
	bucketSize    = 4 * (buckets + 1)

	maxLaws     = 1 << 20
	maxArticles = 1 << 26
	maxBlock    = 64 << 20 // bytes, unpacked
)

// ErrFormat is a file that is no index, is damaged, or was made by another version of the program.
var ErrFormat = errors.New("not a statute index that can be used")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// WriteFile writes an index of the laws; the file at path is there as a whole or not at all.
func WriteFile(path string, laws []Law) error {
	b, err := Encode(laws)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".statutes-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// Encode returns an index of the laws.
func Encode(laws []Law) ([]byte, error) {
	if len(laws) == 0 {
		return nil, errors.New("no laws to make an index of")
	}
	if len(laws) > maxLaws {
		return nil, fmt.Errorf("%d laws, the limit is %d", len(laws), maxLaws)
	}
	var table, blocks []byte
	var postings []uint64 // key and article
	articles := uint32(0)
	for _, law := range laws {
		raw := block(law)
		var packed bytes.Buffer
		w, err := flate.NewWriter(&packed, flate.DefaultCompression)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(raw); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		for _, s := range []string{law.Title, law.Version, law.Effective, law.Source} {
			table = appendString(table, s)
		}
		for _, n := range []int{len(law.Articles), len(blocks), packed.Len(), len(raw)} {
			table = binary.AppendUvarint(table, uint64(n))
		}
		table = binary.LittleEndian.AppendUint32(table, crc32.Checksum(packed.Bytes(), castagnoli))
		blocks = append(blocks, packed.Bytes()...)
		for _, a := range law.Articles {
			for _, k := range kept(listen(a.Text).keys()) {
				postings = append(postings, uint64(k)<<32|uint64(articles))
			}
			articles++
		}
	}
	slices.Sort(postings)
	postings = slices.Compact(postings)
	offsets := make([]byte, 0, bucketSize)
	var packed []byte
	bucket := 0
	for i := 0; i < len(postings); {
		key := uint32(postings[i] >> 32)
		for ; bucket <= int(key>>(32-bucketBits)); bucket++ {
			offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(packed)))
		}
		end := i
		for end < len(postings) && uint32(postings[end]>>32) == key {
			end++
		}
		packed = binary.LittleEndian.AppendUint16(packed, uint16(key&(1<<(32-bucketBits)-1)))
		packed = binary.AppendUvarint(packed, uint64(end-i))
		last := uint32(0)
		for ; i < end; i++ {
			packed = binary.AppendUvarint(packed, uint64(uint32(postings[i])-last))
			last = uint32(postings[i])
		}
	}
	for ; bucket <= buckets; bucket++ {
		offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(packed)))
	}
	out := append([]byte(magic), byte(formatVersion), 0, 0, 0)
	for _, n := range []uint32{readings(), uint32(len(laws)), articles, uint32(len(packed))} {
		out = binary.LittleEndian.AppendUint32(out, n)
	}
	out = binary.LittleEndian.AppendUint64(out, uint64(len(table)))
	out = binary.LittleEndian.AppendUint32(out, crc32.Update(crc32.Checksum(out, castagnoli), castagnoli, table))
	return slices.Concat(out, table, offsets, packed, blocks), nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// block is what stands of a law in its block, unpacked.
func block(law Law) []byte {
	var headings []string
	at := map[string]int{}
	for _, a := range law.Articles {
		for _, h := range a.Headings {
			if _, ok := at[h]; !ok {
				at[h] = len(headings)
				headings = append(headings, h)
			}
		}
	}
	b := binary.AppendUvarint(nil, uint64(len(headings)))
	for _, h := range headings {
		b = appendString(b, h)
	}
	for _, a := range law.Articles {
		b = appendString(appendString(b, a.Number), a.Text)
		b = binary.AppendUvarint(b, uint64(len(a.Headings)))
		for _, h := range a.Headings {
			b = binary.AppendUvarint(b, uint64(at[h]))
		}
	}
	return b
}

// reader takes numbers and strings off a slice; after an error all it gives is zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) number(limit uint64) int {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > limit {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}

func (r *reader) string() string {
	n := r.number(uint64(len(r.b)))
	if r.err != nil || n > len(r.b) {
		r.fail()
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) uint32() uint32 {
	if len(r.b) < 4 {
		r.fail()
		return 0
	}
	n := binary.LittleEndian.Uint32(r.b)
	r.b = r.b[4:]
	return n
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errors.New("truncated, or a number is out of range")
	}
	r.b = nil
}

// unpack reads a law's block.
func unpack(packed []byte, size int, checksum uint32, articles int) ([]Article, error) {
	if crc32.Checksum(packed, castagnoli) != checksum {
		return nil, fmt.Errorf("%w: a law's checksum does not fit: the file is damaged", ErrFormat)
	}
	raw := make([]byte, size)
	f := flate.NewReader(bytes.NewReader(packed))
	defer f.Close()
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	r := &reader{b: raw}
	headings := make([]string, r.number(uint64(len(raw))))
	for i := range headings {
		headings[i] = r.string()
	}
	out := make([]Article, 0, min(articles, len(raw)))
	for range articles {
		a := Article{Number: r.string(), Text: r.string()}
		for range r.number(64) {
			h := r.number(uint64(len(headings)))
			if h >= len(headings) {
				r.fail()
				break
			}
			a.Headings = append(a.Headings, headings[h])
		}
		if r.err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, r.err)
		}
		out = append(out, a)
	}
	return out, nil
}

// compareLaws orders the versions of a law, the latest first.
func compareLaws(a, b lawEntry) int { return cmp.Compare(b.Effective, a.Effective) }
