package face

import (
	"fmt"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// DetectOptions tunes one call. Zero values stand for the defaults.
type DetectOptions struct {
	MinScore float32 // 0..1; default: the catalogue entry's threshold "score"
	NMSIoU   float32 // 0..1, overlap above which the weaker of two faces is dropped; default: threshold "nms_iou"
	MinSize  float32 // pixels of the original picture, the shorter side of the box; default 0: any size
	MaxFaces int     // the best so many; default [DefaultMaxFaces]
	// MaxSide is the longest side, in pixels, at which the model sees the picture. Larger ones are scaled down. Smaller ones
	// are seen as they are, and when no face was found and there is room for it, again at twice their size: of LFW faces 20
	// pixels high in pictures of 200, YuNet n finds 15 of 20 at their own size and all at twice that, of those 10 pixels
	// high none and 16 of 20 (go test ./vision/face -run EverySize). So the default finds faces from about 90 pixels on in
	// a picture 4000 wide; crowds want more, and so do faces below 25 pixels in pictures of more than 320. Time grows with
	// its square. 32 to [LargestSide]; default [DefaultMaxSide].
	MaxSide int
	// AnyOrientation looks for faces that are turned by about 90, 180 and 270 degrees too, in four passes instead of one.
	// Of overlapping faces the one with the best score is kept; boxes and landmarks are in the given picture's pixels, so
	// that the landmarks tell how a face is turned.
	AnyOrientation bool
}

// Defaults and bounds of [DetectOptions].
const (
	DefaultMaxSide  = 640
	LargestSide     = 2560 // the model's activations take about 1.5 GB at 2560x2560
	DefaultMaxFaces = 1000
)

// Effective returns the options that Detect would work with: o with the detector's defaults filled in, for those who have
// to account for a result. It refuses what Detect would refuse.
func (d *Detector) Effective(o DetectOptions) (DetectOptions, error) { return o.check(d.score, d.iou) }

// check fills in defaults and refuses values out of range, NaN among them.
func (o DetectOptions) check(score, iou float32) (DetectOptions, error) {
	if o.MinScore == 0 {
		o.MinScore = score
	}
	if o.NMSIoU == 0 {
		o.NMSIoU = iou
	}
	if o.MaxFaces == 0 {
		o.MaxFaces = DefaultMaxFaces
	}
	if o.MaxSide == 0 {
		o.MaxSide = DefaultMaxSide
	}
	refuse := func(field string, value any, want string) error {
		return &refusal.Error{Reason: refusal.InvalidValue, Field: field, Msg: fmt.Sprintf("%s is %v; it must be %s", field, value, want)}
	}
	switch {
	case !(o.MinScore > 0 && o.MinScore <= 1):
		return o, refuse("min_score", o.MinScore, "above 0 and at most 1")
	case !(o.NMSIoU > 0 && o.NMSIoU <= 1):
		return o, refuse("nms_iou", o.NMSIoU, "above 0 and at most 1")
	case !(o.MinSize >= 0 && o.MinSize < 1e6):
		return o, refuse("min_size", o.MinSize, "0 or more pixels")
	case o.MaxFaces < 0:
		return o, refuse("max_faces", o.MaxFaces, "1 or more")
	case o.MaxSide < 32 || o.MaxSide > LargestSide:
		return o, refuse("max_side", o.MaxSide, fmt.Sprintf("32 to %d", LargestSide))
	}
	return o, nil
}
