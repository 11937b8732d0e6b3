package export

import (
	"encoding/binary"
	"image/color"
	"math"
)

var blackAndWhite = color.Palette{color.Gray{Y: 0}, color.Gray{Y: 255}}

// maxProfile bounds a picture's own colour profile; printers' are up to about 3 MB.
const maxProfile = 8 << 20

// iccFor returns the profile when a PDF/A-2 may use it for pictures of so many channels (PDF 32000-1, 8.6.5.5), else nil.
func iccFor(profile []byte, channels int) []byte {
	if len(profile) < 132 || len(profile) > maxProfile || int64(binary.BigEndian.Uint32(profile)) != int64(len(profile)) {
		return nil
	}
	space := map[int]string{1: "GRAY", 3: "RGB ", 4: "CMYK"}[channels]
	class := string(profile[12:16])
	if string(profile[36:40]) != "acsp" || string(profile[16:20]) != space || profile[8] > 4 {
		return nil
	}
	if class != "mntr" && class != "scnr" && class != "prtr" && class != "spac" {
		return nil
	}
	// Every tag has to lie inside: viewers refuse the whole picture otherwise.
	n := int64(binary.BigEndian.Uint32(profile[128:]))
	if n < 1 || 132+12*n > int64(len(profile)) {
		return nil
	}
	for i := range n {
		entry := profile[132+12*i:]
		at, size := int64(binary.BigEndian.Uint32(entry[4:])), int64(binary.BigEndian.Uint32(entry[8:]))
		if at < 132 || at+size > int64(len(profile)) {
			return nil
		}
	}
	return profile
}

// D50 is the white of ICC's connection space (ICC.1:2004-10, 7.2.16).
var d50 = [3]float64{0.9642, 1, 0.8249}

// sRGBPrimaries are the columns that take linear sRGB (IEC 61966-2-1: Rec. 709 primaries, white D65) to XYZ adapted to
// D50 by Bradford's method, and the adaptation itself.
func sRGBPrimaries() (rgb [3][3]float64, adaptation [3][3]float64) {
	xyz := func(x, y float64) [3]float64 { return [3]float64{x / y, 1, (1 - x - y) / y} }
	white := xyz(0.3127, 0.3290)
	columns := [3][3]float64{xyz(0.64, 0.33), xyz(0.30, 0.60), xyz(0.15, 0.06)}
	var m [3][3]float64
	for i := range 3 {
		for k := range 3 {
			m[i][k] = columns[k][i]
		}
	}
	scale := apply(invert(m), white)
	for i := range 3 {
		for k := range 3 {
			m[i][k] *= scale[k]
		}
	}
	bradford := [3][3]float64{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	from, to := apply(bradford, white), apply(bradford, d50)
	var gain [3][3]float64
	for i := range 3 {
		gain[i][i] = to[i] / from[i]
	}
	adaptation = multiply(invert(bradford), multiply(gain, bradford))
	return multiply(adaptation, m), adaptation
}

func apply(m [3][3]float64, v [3]float64) (out [3]float64) {
	for i := range 3 {
		out[i] = m[i][0]*v[0] + m[i][1]*v[1] + m[i][2]*v[2]
	}
	return out
}

func multiply(a, b [3][3]float64) (out [3][3]float64) {
	for i := range 3 {
		for k := range 3 {
			out[i][k] = a[i][0]*b[0][k] + a[i][1]*b[1][k] + a[i][2]*b[2][k]
		}
	}
	return out
}

// invert is the inverse by cofactors; the matrices here are all regular.
func invert(m [3][3]float64) (out [3][3]float64) {
	det := 0.0
	for i := range 3 {
		a, b := (i+1)%3, (i+2)%3
		det += m[0][i] * (m[1][a]*m[2][b] - m[1][b]*m[2][a])
		for k := range 3 {
			c, d := (k+1)%3, (k+2)%3
			out[i][k] = m[c][a]*m[d][b] - m[c][b]*m[d][a]
		}
	}
	for i := range 3 {
		for k := range 3 {
			out[i][k] /= det
		}
	}
	return out
}

// sRGBProfile builds a display profile of sRGB (ICC.1:2004-10, version 4.2).
func sRGBProfile() []byte {
	rgb, adaptation := sRGBPrimaries()
	column := func(k int) []byte { return iccXYZ([3]float64{rgb[0][k], rgb[1][k], rgb[2][k]}) }
	var chad []float64
	for _, row := range adaptation {
		chad = append(chad, row[:]...)
	}
	// IEC 61966-2-1's curve as a parametric curve of type 3: gamma, a, b, c, d.
	curve := append([]byte("para\x00\x00\x00\x00\x00\x03\x00\x00"), fixed(2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)...)
	return iccProfile("mntr", "RGB ", "XYZ ", []table{
		{"desc", iccText("sRGB")}, {"cprt", iccText("No copyright, use freely")}, {"wtpt", iccXYZ(d50)},
		{"chad", append([]byte("sf32\x00\x00\x00\x00"), fixed(chad...)...)},
		{"rXYZ", column(0)}, {"gXYZ", column(1)}, {"bXYZ", column(2)}, {"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	})
}

// cmykProfile builds an input profile for pictures in inks that come without one: each ink takes its share of the light,
// as most viewers draw them.
func cmykProfile() []byte {
	const grid = 5
	rgb, _ := sRGBPrimaries()
	lut := append([]byte("mft2\x00\x00\x00\x00"), 4, 3, grid, 0)
	lut = append(lut, fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)...)
	u16 := binary.BigEndian.AppendUint16
	lut = u16(u16(lut, 2), 2)
	for range 4 {
		lut = u16(u16(lut, 0), 0xffff)
	}
	light := func(ink, black int) float64 {
		v := (1 - float64(ink)/(grid-1)) * (1 - float64(black)/(grid-1))
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	for n := range grid * grid * grid * grid { // the last ink, black, runs fastest
		c, m, y, k := n/125, n/25%5, n/5%5, n%5
		lab := labOf(apply(rgb, [3]float64{light(c, k), light(m, k), light(y, k)}))
		lut = u16(lut, clampU16(lab[0]*652.80))    // 100 is 0xff00
		lut = u16(lut, clampU16((lab[1]+128)*256)) // 0 is 0x8000
		lut = u16(lut, clampU16((lab[2]+128)*256))
	}
	for range 3 {
		lut = u16(u16(lut, 0), 0xffff)
	}
	return iccProfile("scnr", "CMYK", "Lab ", []table{
		{"desc", iccText("CMYK, simple")}, {"cprt", iccText("No copyright, use freely")}, {"wtpt", iccXYZ(d50)}, {"A2B0", lut},
	})
}

func clampU16(v float64) uint16 { return uint16(min(max(math.Round(v), 0), 0xffff)) }

// labOf is CIE L*a*b* of XYZ under D50 (CIE 15).
func labOf(xyz [3]float64) [3]float64 {
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x, y, z := f(xyz[0]/d50[0]), f(xyz[1]/d50[1]), f(xyz[2]/d50[2])
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// iccProfile puts tags behind a header. Tags of the same content share it.
func iccProfile(class, space, connection string, tags []table) []byte {
	u32 := binary.BigEndian.AppendUint32
	header := make([]byte, 128)
	copy(header[8:], []byte{4, 0x20, 0, 0}) // version 4.2
	copy(header[12:], class)
	copy(header[16:], space)
	copy(header[20:], connection)
	// The profile is a constant, and so is its date.
	for i, v := range []uint16{2026, 1, 1, 0, 0, 0} {
		binary.BigEndian.PutUint16(header[24+2*i:], v)
	}
	copy(header[36:], "acsp")
	copy(header[68:], fixed(d50[:]...))
	index := u32(nil, uint32(len(tags)))
	var body []byte
	at := map[string]uint32{}
	start := uint32(128 + 4 + 12*len(tags))
	for _, t := range tags {
		offset, ok := at[string(t.data)]
		if !ok {
			offset = start + uint32(len(body))
			at[string(t.data)] = offset
			body = append(body, t.data...)
			body = append(body, make([]byte, -len(t.data)&3)...)
		}
		index = u32(u32(append(index, t.tag...), offset), uint32(len(t.data)))
	}
	out := append(append(header, index...), body...)
	binary.BigEndian.PutUint32(out, uint32(len(out)))
	return out
}

// fixed writes s15Fixed16 numbers.
func fixed(values ...float64) []byte {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536))))
	}
	return b
}

func iccXYZ(v [3]float64) []byte { return append([]byte("XYZ \x00\x00\x00\x00"), fixed(v[:]...)...) }

// iccText is a multiLocalizedUnicode tag of one English text of ASCII.
func iccText(s string) []byte {
	b := append([]byte("mluc\x00\x00\x00\x00"), 0, 0, 0, 1, 0, 0, 0, 12, 'e', 'n', 'U', 'S')
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, uint32(2*len(s))), 28)
	for _, c := range []byte(s) {
		b = append(b, 0, c)
	}
	return b
}
