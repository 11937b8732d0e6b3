package face

// The generic face: mean over 3,328 portraits of LFW (none of its evaluation folds 7 and 8) and their mirror
// images, found by factorising their landmarks
// (models/training/face/landmarks/shape.py; the model face-landmarks-pfld-98). The origin lies between the eyes; a head
// without pitch has the bridge of its nose and its chin at the same depth.

// fiveShape is the generic face's five points.
var fiveShape = []anchor{
	{RightEye, -0.500, 0, 0}, {LeftEye, 0.500, 0, 0}, {Nose, 0, 0.469, -0.629},
	{RightMouthCorner, -0.473, 1.040, 0.011}, {LeftMouthCorner, 0.473, 1.040, 0.011},
}

// wflwShape is the generic face's rigid points in WFLW's order: the corners of the eyes, the bridge, tip and base of the
// nose, the corners of the mouth and the chin.
var wflwShape = []anchor{
	{60, -0.708, 0.022, 0.070}, {64, -0.277, 0.010, -0.029}, {68, 0.277, 0.010, -0.029}, {72, 0.708, 0.022, 0.070},
	{51, 0, -0.042, -0.203}, {52, 0, 0.129, -0.350}, {53, 0, 0.302, -0.495}, {54, 0, 0.469, -0.629},
	{55, -0.260, 0.625, -0.299}, {56, -0.133, 0.645, -0.376}, {57, 0, 0.663, -0.434}, {58, 0.133, 0.645, -0.376}, {59, 0.260, 0.625, -0.299},
	{76, -0.473, 1.040, 0.011}, {82, 0.473, 1.040, 0.011}, {16, 0, 1.784, -0.203},
}
