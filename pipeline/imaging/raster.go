package imaging

// Raster is a decoded picture: 8 bits a channel, interleaved B, G, R, rows from top to bottom without padding, EXIF
// orientation already applied. It lives in Go memory, so that nobody has to close it.
type Raster struct {
	Pix           []byte // len == 3*Width*Height
	Width, Height int    // pixels, >= 1
}
