package face

// Pose is how a head is turned, in degrees. All zero is a face looking straight into the camera, upright.
type Pose struct {
	Yaw   float32 // -90..90, positive towards the person's own left (the picture's right)
	Pitch float32 // -90..90, positive upwards
	Roll  float32 // -180..180, positive towards the picture's right: clockwise as seen
}

// Mesh is a face's dense landmarks with what follows from them.
type Mesh struct {
	Points []Point // pixels of the picture, in the order of the model's entry: WFLW's for 98
	// EyeOpenness is the eye aspect ratio (Soukupova, Cech: Real-time eye blink detection using facial landmarks, CVWW 2016)
	// of the person's right and left eye: the mean distance of the lids over the distance of the eye's corners. About 0.3
	// when open.
	EyeOpenness [2]float32
	// MouthOpenness is the distance between the inner rims of the lips over the distance of the mouth's corners; 0 when closed.
	MouthOpenness float32
	Pose          Pose
}
