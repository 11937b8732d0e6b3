package face

// fiveShape is the generic face's five points.
var fiveShape = []anchor{
	{RightEye, -0.5, 0, 0}, {LeftEye, 0.5, 0, 0}, {Nose, 0, 0.62, -0.45}, {RightMouthCorner, -0.4, 1.12, -0.05}, {LeftMouthCorner, 0.4, 1.12, -0.05},
}

// wflwShape is the generic face's rigid points in WFLW's order.
var wflwShape = []anchor{
	{60, -0.7, 0, 0.1}, {64, -0.27, 0.02, 0}, {68, 0.27, 0.02, 0}, {72, 0.7, 0, 0.1}, {54, 0, 0.62, -0.45}, {57, 0, 0.8, -0.2}, {76, -0.4, 1.12, -0.05}, {82, 0.4, 1.12, -0.05},
}
