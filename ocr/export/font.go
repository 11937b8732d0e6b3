package export

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// fonts hands out codes for characters. All fonts share one font program, whose only real glyph is empty and one em wide:
// invisible text needs no shapes, but PDF/A wants its font embedded all the same. The codes have no meaning of their own;
// each font's ToUnicode map says what they stand for.
type fonts struct {
	codes   map[rune]int // place in order of first use
	runes   []rune
	objects []int // of the fonts
}

// codesPerFont leaves code 0 to .notdef, which PDF/A-2 forbids to show, and stays below 65,536.
const codesPerFont = 65000

// code returns the character's font and its two-byte code in it.
func (f *fonts) code(r rune) (font, code int) {
	if f.codes == nil {
		f.codes = map[rune]int{}
	}
	n, ok := f.codes[r]
	if !ok {
		n = len(f.runes)
		f.codes[r] = n
		f.runes = append(f.runes, r)
	}
	return n / codesPerFont, n%codesPerFont + 1
}

// resources names the fonts, from 0, that a page uses.
func (f *fonts) resources(o *objects, used int) string {
	if used == 0 {
		return ""
	}
	for len(f.objects) < used {
		f.objects = append(f.objects, o.reserve())
	}
	var b strings.Builder
	b.WriteString(" /Font <<")
	for i, id := range f.objects[:used] {
		fmt.Fprintf(&b, " /F%d %d 0 R", i, id)
	}
	b.WriteString(" >>")
	return b.String()
}

// fontName has the tag of a subset, which it is: of all characters it has none.
const fontName = "AAAAAA+Glyphless"

// write writes the fonts that were used, and what they share.
func (f *fonts) write(o *objects) {
	glyphs := bytes.Repeat([]byte{0, 1}, 1<<16)
	glyphs[1] = 0
	o.deflated(glyphMapObject, "", glyphs)
	program := glyphlessFont()
	o.deflated(fontFileObject, fmt.Sprintf("/Length1 %d", len(program)), program)
	o.object(fontDescriptorObject, fmt.Sprintf("<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [0 %d %d %d] /ItalicAngle 0\n"+
		"/Ascent %d /Descent %d /CapHeight %d /StemV 80 /FontFile2 %d 0 R >>",
		fontName, glyphDescent, glyphWidth, glyphAscent, glyphAscent, glyphDescent, glyphAscent, fontFileObject))
	for i, id := range f.objects {
		cid, unicodes := o.reserve(), o.reserve()
		o.object(id, fmt.Sprintf("<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>",
			fontName, cid, unicodes))
		o.object(cid, fmt.Sprintf("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>\n"+
			"/FontDescriptor %d 0 R /DW %d /CIDToGIDMap %d 0 R >>", fontName, fontDescriptorObject, glyphWidth, glyphMapObject))
		from := i * codesPerFont
		o.deflated(unicodes, "", toUnicode(f.runes[min(from, len(f.runes)):min(from+codesPerFont, len(f.runes))]))
	}
}

// toUnicode maps code n+1 to runes[n] (PDF 32000-1, 9.10.3).
func toUnicode(runes []rune) []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	const block = 100 // entries that a CMap may have between begin and end
	for from := 0; from < len(runes); from += block {
		to := min(from+block, len(runes))
		fmt.Fprintf(&b, "%d beginbfchar\n", to-from)
		for n := from; n < to; n++ {
			fmt.Fprintf(&b, "<%04X> <", n+1)
			for _, u := range utf16.Encode(runes[n : n+1]) {
				fmt.Fprintf(&b, "%04X", u)
			}
			b.WriteString(">\n")
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}

// The font's measures in thousandths of its size: a line's height is the size, and the text rests a fifth from below.
const (
	unitsPerEm   = 1000
	glyphWidth   = 1000
	glyphAscent  = 800
	glyphDescent = -200
)

// glyphlessFont builds a TrueType font (ISO/IEC 14496-22) of two empty glyphs: .notdef, and one that is one em wide.
func glyphlessFont() []byte {
	u16, i16 := binary.BigEndian.AppendUint16, func(b []byte, v int) []byte { return binary.BigEndian.AppendUint16(b, uint16(int16(v))) }
	u32 := binary.BigEndian.AppendUint32
	zeros := func(b []byte, n int) []byte { return append(b, make([]byte, n)...) }

	var head []byte
	head = u32(head, 0x00010000) // version
	head = u32(head, 0x00010000) // revision
	head = u32(head, 0)          // checkSumAdjustment, set below
	head = u32(head, 0x5f0f3cf5) // magic
	head = u16(head, 3)          // base line at y 0, left side bearing at x 0
	head = u16(head, unitsPerEm)
	head = zeros(head, 16) // created, modified: left out, so that the font is always the same
	head = i16(i16(i16(i16(head, 0), glyphDescent), glyphWidth), glyphAscent)
	head = u16(u16(head, 0), 8)         // style, smallest size in pixels
	head = i16(i16(i16(head, 2), 0), 0) // direction, short offsets, glyph format

	var hhea []byte
	hhea = u32(hhea, 0x00010000)
	hhea = i16(i16(i16(hhea, glyphAscent), glyphDescent), 0)
	hhea = u16(hhea, glyphWidth)
	hhea = i16(i16(i16(hhea, 0), 0), glyphWidth) // bearings, extent
	hhea = i16(i16(i16(hhea, 1), 0), 0)          // upright caret
	hhea = zeros(hhea, 10)
	hhea = u16(hhea, 2) // widths in hmtx

	var hmtx []byte
	for range 2 {
		hmtx = i16(u16(hmtx, glyphWidth), 0)
	}

	maxp := u16(u32(nil, 0x00010000), 2)
	maxp = zeros(maxp, 8)
	maxp = u16(maxp, 2) // zones
	maxp = zeros(maxp, 16)

	// One segment, the end mark: nothing is looked up by character.
	cmap := u32(u16(u16(u16(u16(nil, 0), 1), 3), 1), 12)
	for _, v := range []uint16{4, 24, 0, 2, 2, 0, 0, 0xffff, 0, 0xffff, 1, 0} {
		cmap = u16(cmap, v)
	}

	names := []struct {
		id   uint16
		text string
	}{{1, "Glyphless"}, {2, "Regular"}, {3, "Glyphless 1"}, {4, "Glyphless"}, {5, "Version 1.0"}, {6, "Glyphless"}}
	name := u16(u16(u16(nil, 0), uint16(len(names))), uint16(6+12*len(names)))
	var stored []byte
	for _, n := range names {
		text := utf16.Encode([]rune(n.text))
		for _, v := range []uint16{3, 1, 0x409, n.id, uint16(2 * len(text)), uint16(len(stored))} {
			name = u16(name, v)
		}
		for _, u := range text {
			stored = u16(stored, u)
		}
	}
	name = append(name, stored...)

	os2 := i16(u16(nil, 4), glyphWidth)                    // version, average width
	os2 = u16(u16(u16(os2, 400), 5), 0)                    // weight, width, may be embedded
	os2 = zeros(os2, 20+2+10+16)                           // scripts, strikeout, family class, panose, Unicode ranges
	os2 = append(os2, "NONE"...)                           // vendor
	os2 = u16(u16(u16(os2, 0x40), 0xffff), 0xffff)         // regular; first and last character
	os2 = i16(i16(i16(os2, glyphAscent), glyphDescent), 0) // typographic ascender, descender, gap
	os2 = u16(u16(os2, glyphAscent), -glyphDescent)        // Windows' ascent and descent
	os2 = zeros(os2, 8)                                    // code pages
	os2 = i16(i16(os2, 0), glyphAscent)                    // x height, cap height
	os2 = u16(u16(u16(os2, 0), 0x20), 0)                   // default and break character, context

	post := zeros(u32(nil, 0x00030000), 28) // no glyph names

	return fontFile([]table{
		{"OS/2", os2}, {"cmap", cmap}, {"glyf", make([]byte, 4)}, {"head", head}, {"hhea", hhea}, {"hmtx", hmtx},
		{"loca", make([]byte, 6)}, {"maxp", maxp}, {"name", name}, {"post", post},
	})
}

type table struct {
	tag  string
	data []byte
}

// fontFile puts tables, sorted by tag, into a font file.
func fontFile(tables []table) []byte {
	u16, u32 := binary.BigEndian.AppendUint16, binary.BigEndian.AppendUint32
	log, power := 0, 1
	for 2*power <= len(tables) {
		log, power = log+1, 2*power
	}
	out := u32(nil, 0x00010000)
	for _, v := range []int{len(tables), 16 * power, log, 16 * (len(tables) - power)} {
		out = u16(out, uint16(v))
	}
	offset := 12 + 16*len(tables)
	var body []byte
	adjustment := 0
	for _, t := range tables {
		if t.tag == "head" {
			adjustment = offset + len(body) + 8
		}
		out = append(out, t.tag...)
		padded := append(bytes.Clone(t.data), make([]byte, -len(t.data)&3)...)
		out = u32(u32(u32(out, checksum(padded)), uint32(offset+len(body))), uint32(len(t.data)))
		body = append(body, padded...)
	}
	out = append(out, body...)
	binary.BigEndian.PutUint32(out[adjustment:], 0xb1b0afba-checksum(out))
	return out
}

// checksum adds up big-endian words; len(b) is a multiple of 4.
func checksum(b []byte) uint32 {
	var sum uint32
	for ; len(b) > 0; b = b[4:] {
		sum += binary.BigEndian.Uint32(b)
	}
	return sum
}
