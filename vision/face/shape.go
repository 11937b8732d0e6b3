package face

// The generic face: mean over 3,328 portraits of LFW (none of its evaluation folds 7 and 8) and their mirror
// images, found by factorising their landmarks (models/training/face/landmarks/shape.py; the model
// face-landmarks-pfld-98). The origin lies between the eyes; a head without pitch is held as in the median portrait.

// fiveShape is the generic face's five points.
var fiveShape = []anchor{
	{RightEye, -0.500, 0, 0}, {LeftEye, 0.500, 0, 0}, {Nose, 0, 0.567, -0.542},
	{RightMouthCorner, -0.473, 1.024, 0.184}, {LeftMouthCorner, 0.473, 1.024, 0.184},
}

// wflwShape is the generic face's rigid points in WFLW's order: the corners of the eyes, the bridge, tip and base of the
// nose, the corners of the mouth and the chin.
var wflwShape = []anchor{
	{60, -0.708, 0.010, 0.072}, {64, -0.277, 0.015, -0.027}, {68, 0.277, 0.015, -0.027}, {72, 0.708, 0.010, 0.072},
	{51, 0, -0.007, -0.207}, {52, 0, 0.186, -0.324}, {53, 0, 0.380, -0.437}, {54, 0, 0.567, -0.542},
	{55, -0.260, 0.667, -0.191}, {56, -0.133, 0.699, -0.263}, {57, 0, 0.726, -0.317}, {58, 0.133, 0.699, -0.263}, {59, 0.260, 0.667, -0.191},
	{76, -0.473, 1.024, 0.184}, {82, 0.473, 1.024, 0.184}, {16, 0, 1.793, 0.098},
}
