package imaging

import "encoding/binary"

// exifOrientation reads tag 0x0112 from an EXIF block (a TIFF structure without pixels); 0 when there is none. A damaged
// block is ignored: it says nothing of the pixels.
func exifOrientation(b []byte) Orientation {
	if len(b) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(b[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0
	}
	work := tiffWork
	d, _, err := readIFD(b, order, order.Uint32(b[4:]), &work)
	if err != nil {
		return 0
	}
	return Orientation(d.first(tagOrientation, 0))
}
