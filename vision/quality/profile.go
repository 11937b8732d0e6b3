package quality

// bar is the quality from which on a component is accepted, and below which another picture is asked for; between them it
// is a warning. A bar of zeros accepts all: the component is told but does not count.
type bar struct{ accept, retake int }

// bars are what each profile asks of each measure. ID photographs follow what ISO/IEC 39794-5 and ICAO Doc 9303 ask of
// portraits where that can be said in these measures (90 pixels between the eyes, a head turned by no more than 8 degrees
// is accepted and by 15 refused, an even background, eyes open, mouth closed, nothing in front of the face); selfies and
// gate frames are held to what face comparison needs, by our own choice.
var bars = map[Profile]map[Measure]bar{
	IDPhoto: {
		Sharpness: {60, 35}, OverexposurePrevention: {50, 20}, UnderexposurePrevention: {80, 50}, DynamicRange: {70, 50},
		IlluminationUniformity: {75, 55}, InterEyeDistance: {73, 38}, HeadSize: {90, 40},
		HeadPoseYaw: {98, 93}, HeadPosePitch: {95, 88}, HeadPoseRoll: {98, 93},
		EyesOpen: {80, 50}, MouthClosed: {80, 50}, EyesVisible: {60, 40}, FaceOcclusionPrevention: {60, 40},
		SingleFacePresent: {95, 80}, BackgroundUniformity: {85, 60}, Margin: {70, 40},
	},
	Selfie: {
		Sharpness: {45, 25}, OverexposurePrevention: {30, 10}, UnderexposurePrevention: {60, 30}, DynamicRange: {60, 40},
		IlluminationUniformity: {60, 40}, InterEyeDistance: {38, 18}, HeadSize: {80, 20},
		HeadPoseYaw: {93, 75}, HeadPosePitch: {88, 67}, HeadPoseRoll: {88, 50},
		EyesOpen: {60, 30}, MouthClosed: {30, 5}, EyesVisible: {50, 30}, FaceOcclusionPrevention: {50, 30},
		SingleFacePresent: {80, 50}, BackgroundUniformity: {}, Margin: {50, 20},
	},
	Gate: {
		Sharpness: {35, 15}, OverexposurePrevention: {20, 5}, UnderexposurePrevention: {45, 15}, DynamicRange: {50, 30},
		IlluminationUniformity: {45, 25}, InterEyeDistance: {13, 8}, HeadSize: {50, 10},
		HeadPoseYaw: {82, 50}, HeadPosePitch: {75, 41}, HeadPoseRoll: {75, 25},
		EyesOpen: {30, 10}, MouthClosed: {}, EyesVisible: {40, 20}, FaceOcclusionPrevention: {40, 20},
		SingleFacePresent: {}, BackgroundUniformity: {}, Margin: {30, 5},
	},
}

// frame is how large a head should be in the picture, and how much room it needs, by profile.
type frame struct {
	lo, hi, below, above float64 // HeadSize: the plateau and the widths to nothing, shares of the picture's height
	side, over, under    float64 // Margin: what is needed beside (eye distances), above and below the eyes (eye to chin)
}

var frames = map[Profile]frame{
	// ISO/IEC 39794-5: crown to chin 60 to 90 % of the height.
	IDPhoto: {lo: 0.6, hi: 0.9, below: 0.4, above: 0.3, side: 1.3, over: 1.2, under: 1.3},
	Selfie:  {lo: 0.25, hi: 0.9, below: 0.2, above: 0.5, side: 1.15, over: 1.1, under: 1.1},
	Gate:    {lo: 0.1, hi: 0.95, below: 0.09, above: 1, side: 1.05, over: 0.9, under: 1.05},
}

func (b bar) judge(value int) Verdict {
	switch {
	case value >= b.accept:
		return Accept
	case value >= b.retake:
		return Warn
	}
	return Retake
}
