package face

// The sizes that the model is fed with are few, because only tensors of one size join in a batch: the longer side is one
// of canvasSides, the shorter one of canvasShares of it (in percent), rounded up to the model's multiple. 4:3 pictures fit
// without waste, 16:9 with 6 %; a picture of any other shape wastes at most a third, strips excepted.
var (
	canvasSides  = []int{160, 320, 640, 960, 1280, 1920, 2560}
	canvasShares = []int{30, 60, 75, 100}
)

// canvas returns the size of the tensor for a picture that is shown with no side above maxSide.
func canvas(width, height, maxSide, multiple int) (w, h int) {
	long, short := max(width, height), min(width, height)
	if long > maxSide {
		short = max(1, (short*maxSide+long/2)/long)
		long = maxSide
	}
	w = roundUp(maxSide, multiple)
	for _, side := range canvasSides {
		if side >= long && side <= w {
			w = roundUp(side, multiple)
			break
		}
	}
	h = w
	for _, share := range canvasShares {
		if s := roundUp(w*share/100, multiple); s >= short {
			h = s
			break
		}
	}
	if height > width {
		return h, w
	}
	return w, h
}

func roundUp(v, multiple int) int { return (v + multiple - 1) / multiple * multiple }
