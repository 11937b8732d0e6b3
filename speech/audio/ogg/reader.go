package ogg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrCorrupt is wrapped by every error about the content itself.
var ErrCorrupt = errors.New("damaged Ogg")

// maxPacket bounds the packets that are kept: eight Opus streams of 120 ms take at most 61 KB each. Longer ones are
// comments with pictures; their content is dropped.
const maxPacket = 1 << 19

// Packet is one packet of the logical stream. Data is valid until the next page is read.
type Packet struct {
	Data []byte
	Long bool // longer than is kept: Data is cut
}

// Page holds the packets that end on one page.
type Page struct {
	Packets  []Packet
	Granule  int64 // position at the end of the last packet, in the codec's unit; -1 when no packet ends here
	First    bool  // begins a logical stream
	Last     bool  // ends it
	Continue bool  // the last packet goes on on the next page
}

// Reader reads the pages of the first logical stream that begins, and skips those of others multiplexed with it. When it
// has ended, the next one that begins takes its place (chaining).
type Reader struct {
	r       io.Reader
	serial  uint32
	open    bool // inside a logical stream
	seq     uint32
	partial []byte
	going   bool // partial holds the start of a packet
	long    bool
	head    [27 + 255]byte
	body    []byte
}

// NewReader reads pages from r.
func NewReader(r io.Reader) *Reader { return &Reader{r: r, body: make([]byte, 255*255)} }

// Next returns the following page, io.EOF at the end, io.ErrUnexpectedEOF when the data ends inside a page or a packet.
func (r *Reader) Next() (Page, error) {
	for {
		head, body, err := r.page()
		if err != nil {
			if errors.Is(err, io.EOF) && r.going {
				err = io.ErrUnexpectedEOF
			}
			return Page{}, err
		}
		flags, serial, seq := head[5], binary.LittleEndian.Uint32(head[14:]), binary.LittleEndian.Uint32(head[18:])
		first := flags&2 != 0
		switch {
		case first && !r.open:
			r.serial, r.open, r.seq, r.going = serial, true, seq, false
		case serial != r.serial:
			continue
		case !r.open || first:
			return Page{}, fmt.Errorf("%w: a page of stream %#x is outside of it", ErrCorrupt, serial)
		}
		if seq != r.seq {
			return Page{}, fmt.Errorf("%w: page %d follows page %d: pages are missing", ErrCorrupt, seq, r.seq-1)
		}
		r.seq++
		p, err := r.packets(head, body, flags&1 != 0)
		p.First, p.Last, p.Granule = first, flags&4 != 0, int64(binary.LittleEndian.Uint64(head[6:]))
		if p.Last {
			r.open = false
			if r.going {
				return Page{}, fmt.Errorf("%w: the last page ends inside a packet", ErrCorrupt)
			}
		}
		return p, err
	}
}

// page reads one page of any stream and checks its CRC.
func (r *Reader) page() (head, body []byte, err error) {
	if _, err := io.ReadFull(r.r, r.head[:27]); err != nil {
		return nil, nil, err
	}
	if string(r.head[:4]) != "OggS" || r.head[4] != 0 {
		return nil, nil, fmt.Errorf("%w: no page where one should begin", ErrCorrupt)
	}
	head = r.head[:27+int(r.head[26])]
	if _, err := io.ReadFull(r.r, head[27:]); err != nil {
		return nil, nil, unexpected(err)
	}
	size := 0
	for _, lace := range head[27:] {
		size += int(lace)
	}
	body = r.body[:size]
	if _, err := io.ReadFull(r.r, body); err != nil {
		return nil, nil, unexpected(err)
	}
	want := binary.LittleEndian.Uint32(head[22:])
	clear(head[22:26])
	if got := Checksum(head, body); got != want {
		return nil, nil, fmt.Errorf("%w: page checksum is %#08x, its content gives %#08x", ErrCorrupt, want, got)
	}
	return head, body, nil
}

func (r *Reader) packets(head, body []byte, continued bool) (Page, error) {
	var p Page
	if continued != r.going {
		return p, fmt.Errorf("%w: a packet is continued from nowhere or not at all", ErrCorrupt)
	}
	start, end := 0, 0
	for _, lace := range head[27:] {
		end += int(lace)
		if lace == 255 {
			continue
		}
		data, long := body[start:end], false
		if r.going {
			r.keep(data)
			// The next packet that spans pages must not overwrite this one while the caller reads it.
			data, long = r.partial, r.long
			r.partial, r.going, r.long = nil, false, false
		}
		p.Packets = append(p.Packets, Packet{Data: data, Long: long})
		start = end
	}
	if n := len(head); n > 27 && head[n-1] == 255 {
		r.going, p.Continue = true, true
		r.keep(body[start:end])
	}
	return p, nil
}

func (r *Reader) keep(b []byte) {
	if room := maxPacket - len(r.partial); len(b) > room {
		b, r.long = b[:room], true
	}
	r.partial = append(r.partial, b...)
}

// Checksum returns the CRC of a page whose own checksum field is zero: polynomial 0x04C11DB7, not reflected, start 0.
func Checksum(parts ...[]byte) uint32 {
	crc := uint32(0)
	for _, b := range parts {
		for _, x := range b {
			crc = crc<<8 ^ crcTable[byte(crc>>24)^x]
		}
	}
	return crc
}

var crcTable = func() (t [256]uint32) {
	for i := range t {
		c := uint32(i) << 24
		for range 8 {
			if c&(1<<31) != 0 {
				c = c<<1 ^ 0x04C11DB7
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
}()

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
