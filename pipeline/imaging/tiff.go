package imaging

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// The TIFF 6.0 tags that decide size, layout and memory.
const (
	tagSubfile     = 254
	tagWidth       = 256
	tagHeight      = 257
	tagBits        = 258
	tagCompression = 259
	tagPhotometric = 262
	tagStripAt     = 273
	tagOrientation = 274
	tagChannels    = 277
	tagStripBytes  = 279
	tagPlanar      = 284
	tagTileWidth   = 322
	tagTileHeight  = 323
	tagTileAt      = 324
	tagTileBytes   = 325
	tagExtra       = 338
	tagFormat      = 339
)

const (
	maxIFDEntries = 1024    // writers use about 20
	maxTIFFPages  = 5000    // more is refused even without a configured limit
	tiffWork      = 1 << 22 // directory entries and strip pointers looked at in one file; 400 pages of 10,000 strips
)

var tiffCompressions = map[uint32]string{
	1: "", 2: "CCITT RLE", 3: "CCITT G3", 4: "CCITT G4", 5: "LZW", 7: "JPEG", 8: "Deflate", 32773: "PackBits", 32946: "Deflate",
}

func sniffTIFF(b []byte, order binary.ByteOrder) (Header, error) {
	if len(b) < 8 {
		return Header{}, truncated(TIFF, "inside the file header")
	}
	h := Header{Format: TIFF}
	seen := map[uint32]bool{}
	work := tiffWork
	for at := order.Uint32(b[4:]); at != 0; {
		if seen[at] {
			return Header{}, corrupt(TIFF, fmt.Sprintf("its page chain runs in a circle after %d pages", len(seen)))
		}
		if seen[at] = true; len(seen) > maxTIFFPages {
			return Header{}, corrupt(TIFF, fmt.Sprintf("more than %d pages", maxTIFFPages))
		}
		d, next, err := readIFD(b, order, at, &work)
		if err != nil {
			return Header{}, err
		}
		// Reduced copies of another page (thumbnails) are no pages of their own.
		if d.first(tagSubfile, 0)&1 == 0 {
			p, err := d.page(len(h.Pages) + 1)
			if err != nil {
				return Header{}, err
			}
			p.Offset = at
			h.Pages = append(h.Pages, p)
		}
		at = next
	}
	if len(h.Pages) == 0 {
		return Header{}, corrupt(TIFF, "it has no pages")
	}
	h.Frames = len(h.Pages)
	return h, nil
}

// directory is one IFD: where the values of each tag that matters lie in the file.
type directory struct {
	b     []byte
	order binary.ByteOrder
	tags  map[uint16]values
	work  *int
}

type values struct {
	data  []byte
	size  int // bytes of one value: 1, 2 or 4
	count int
}

func readIFD(b []byte, order binary.ByteOrder, at uint32, work *int) (directory, uint32, error) {
	d := directory{b: b, order: order, tags: map[uint16]values{}, work: work}
	if int64(at)+2 > int64(len(b)) || at < 8 {
		return d, 0, truncated(TIFF, fmt.Sprintf("a page directory at byte %d of %d", at, len(b)))
	}
	n := int(order.Uint16(b[at:]))
	if n == 0 || n > maxIFDEntries {
		return d, 0, corrupt(TIFF, fmt.Sprintf("a page directory of %d entries", n))
	}
	end := int64(at) + 2 + 12*int64(n)
	if end+4 > int64(len(b)) {
		return d, 0, truncated(TIFF, "inside a page directory")
	}
	if err := d.spend(n); err != nil {
		return d, 0, err
	}
	for i := range n {
		e := b[int(at)+2+12*i:][:12]
		tag, kind, count := order.Uint16(e), order.Uint16(e[2:]), int64(order.Uint32(e[4:]))
		size := map[uint16]int{1: 1, 3: 2, 4: 4}[kind]
		if size == 0 || !wanted(tag) {
			continue
		}
		data := e[8:12]
		if count*int64(size) > 4 {
			from := int64(order.Uint32(e[8:]))
			if from+count*int64(size) > int64(len(b)) {
				return d, 0, truncated(TIFF, fmt.Sprintf("the values of tag %d", tag))
			}
			data = b[from : from+count*int64(size)]
		}
		d.tags[tag] = values{data: data, size: size, count: int(count)}
	}
	return d, order.Uint32(b[end:]), nil
}

func wanted(tag uint16) bool {
	return tag >= tagSubfile && tag <= tagPlanar || tag >= tagTileWidth && tag <= tagFormat
}

// spend counts work, so that pages which share huge tables can't multiply the cost of a small file.
func (d directory) spend(n int) error {
	if *d.work -= n; *d.work < 0 {
		return corrupt(TIFF, "its directories are larger than any real file's")
	}
	return nil
}

func (d directory) value(v values, i int) uint32 {
	switch v.size {
	case 1:
		return uint32(v.data[i])
	case 2:
		return uint32(d.order.Uint16(v.data[2*i:]))
	}
	return d.order.Uint32(v.data[4*i:])
}

func (d directory) first(tag uint16, missing uint32) uint32 {
	v, ok := d.tags[tag]
	if !ok || v.count == 0 {
		return missing
	}
	return d.value(v, 0)
}

func (d directory) page(number int) (PageHeader, error) {
	fail := func(what string) error { return corrupt(TIFF, fmt.Sprintf("page %d: %s", number, what)) }
	refuse := func(what string) error { return unsupported(TIFF, fmt.Sprintf("%s (page %d)", what, number)) }
	w, h := d.first(tagWidth, 0), d.first(tagHeight, 0)
	if w == 0 || h == 0 || w > 1<<30 || h > 1<<30 {
		return PageHeader{}, fail(fmt.Sprintf("size %dx%d", w, h))
	}
	p := PageHeader{Width: int(w), Height: int(h), Orientation: Orientation(min(d.first(tagOrientation, 1), 9))}
	p.Channels = int(min(d.first(tagChannels, 1), 1000))
	p.Bits = int(d.first(tagBits, 1))
	if v := d.tags[tagBits]; v.count > 1 {
		for i := range min(v.count, p.Channels) {
			if int(d.value(v, i)) != p.Bits {
				return PageHeader{}, refuse("channels of different depths")
			}
		}
	}
	name, ok := tiffCompressions[d.first(tagCompression, 1)]
	if !ok {
		return PageHeader{}, refuse(fmt.Sprintf("compression %d", d.first(tagCompression, 1)))
	}
	p.Compression = name
	photometric := d.first(tagPhotometric, 0)
	base := map[uint32]int{0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}[photometric]
	switch {
	case base == 0:
		return PageHeader{}, refuse(fmt.Sprintf("photometric interpretation %d", photometric))
	case p.Channels < base || p.Channels > base+1 || p.Channels > 4:
		return PageHeader{}, refuse(fmt.Sprintf("%d channels", p.Channels))
	case !slices.Contains([]int{1, 2, 4, 8, 16}, p.Bits) || base >= 3 && p.Bits < 8:
		return PageHeader{}, refuse(fmt.Sprintf("%d-bit samples", p.Bits))
	case d.first(tagFormat, 1) != 1 && d.first(tagFormat, 1) != 4:
		return PageHeader{}, refuse("samples that are not unsigned integers")
	}
	p.CMYK, p.WhiteIsZero = photometric == 5, photometric == 0
	p.Planar = p.Channels > 1 && d.first(tagPlanar, 1) == 2
	p.Alpha = p.Channels > base && d.first(tagExtra, 0) != 0
	return p, d.layout(number, &p)
}

// layout checks that the strips or tiles are all there and inside the file.
func (d directory) layout(number int, p *PageHeader) error {
	at, size := uint16(tagStripAt), uint16(tagStripBytes)
	if _, tiled := d.tags[tagTileWidth]; tiled {
		at, size = tagTileAt, tagTileBytes
		p.TileWidth, p.TileHeight = int(min(d.first(tagTileWidth, 0), 1<<30)), int(min(d.first(tagTileHeight, 0), 1<<30))
		if p.TileWidth == 0 || p.TileHeight == 0 {
			return corrupt(TIFF, fmt.Sprintf("page %d: tiles of %dx%d px", number, p.TileWidth, p.TileHeight))
		}
	}
	offsets, sizes := d.tags[at], d.tags[size]
	if offsets.count == 0 || sizes.count < offsets.count {
		return corrupt(TIFF, fmt.Sprintf("page %d: no pixel data, or data without sizes", number))
	}
	if err := d.spend(offsets.count); err != nil {
		return err
	}
	var total int64
	for i := range offsets.count {
		from, n := int64(d.value(offsets, i)), int64(d.value(sizes, i))
		if from+n > int64(len(d.b)) {
			return truncated(TIFF, fmt.Sprintf("page %d: pixel data up to byte %d of %d", number, from+n, len(d.b)))
		}
		total += n
	}
	raw := (int64(p.Width)*int64(p.Channels*p.Bits) + 7) / 8 * int64(p.Height)
	ratio, bounded := map[string]int64{"": 1, "Deflate": deflateRatio, "PackBits": 64, "LZW": 2730}[p.Compression]
	if bounded && total*ratio < raw {
		return truncated(TIFF, fmt.Sprintf("page %d: %d bytes of pixel data for %dx%d px", number, total, p.Width, p.Height))
	}
	return nil
}

// TIFFPage returns b as a file whose first page is p, stored upright: decoders read the first page only, and differ in
// what they do with its orientation. b itself is returned where it is that already, else a copy.
func TIFFPage(b []byte, p PageHeader) []byte {
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	if order.Uint32(b[4:]) == p.Offset && p.Orientation == Upright {
		return b
	}
	out := append([]byte(nil), b...)
	order.PutUint32(out[4:], p.Offset)
	for i := range int(order.Uint16(b[p.Offset:])) {
		if e := out[int(p.Offset)+2+12*i:][:12]; order.Uint16(e) == tagOrientation {
			order.PutUint16(e[2:], 3) // SHORT
			order.PutUint32(e[4:], 1)
			order.PutUint16(e[8:], uint16(Upright))
		}
	}
	return out
}
