package quality

import "fmt"

// advice is one sentence on what to do.
func advice(m Measure, native float32) string {
	switch m {
	case Sharpness:
		return "Hold the camera still, wipe its lens and let it focus on the face."
	case OverexposurePrevention:
		return "The face is too bright: move away from the lamp or the window, or use less light."
	case UnderexposurePrevention:
		return "The face is too dark: turn towards the light."
	case DynamicRange:
		return "The face has too little contrast: use more, even light, and no haze or glare on the lens."
	case IlluminationUniformity:
		return "The light comes from one side: turn towards the light."
	case InterEyeDistance:
		return "The face has too few pixels: come closer, or use a camera of higher resolution."
	case HeadSize:
		return "The head is too small or too large in the picture: come closer or step back until it fills the frame."
	case HeadPoseYaw:
		if native > 0 {
			return "Turn your head to your right, and look straight into the camera."
		}
		return "Turn your head to your left, and look straight into the camera."
	case HeadPosePitch:
		if native > 0 {
			return "Lower your chin, and look straight into the camera."
		}
		return "Raise your chin, and look straight into the camera."
	case HeadPoseRoll:
		return "Hold your head, and the camera, upright."
	case EyesOpen:
		return "Open both eyes."
	case MouthClosed:
		return "Close your mouth."
	case EyesVisible:
		return "Take off dark glasses, and keep hair and shadows from the eyes."
	case FaceOcclusionPrevention:
		return "Take off the mask, and keep hands, scarf and other things from the face."
	case SingleFacePresent:
		if native <= 0 {
			return "No face was found: bring the whole face into the picture, upright and lit."
		}
		return "Another face is in the picture: only one person should be in it."
	case BackgroundUniformity:
		return "Stand in front of a plain, evenly lit wall."
	case Margin:
		return "The head is too near the edge: bring it to the middle, with some room around it."
	}
	return ""
}

// String returns the measure's name as ISO/IEC 29794-5 writes it, in the API's spelling.
func (m Measure) String() string {
	if m >= Sharpness && m <= Margin {
		return names[m-1]
	}
	return fmt.Sprintf("Measure(%d)", int(m))
}

var names = [...]string{"SHARPNESS", "OVEREXPOSURE_PREVENTION", "UNDEREXPOSURE_PREVENTION", "DYNAMIC_RANGE", "ILLUMINATION_UNIFORMITY",
	"INTER_EYE_DISTANCE", "HEAD_SIZE", "HEAD_POSE_YAW", "HEAD_POSE_PITCH", "HEAD_POSE_ROLL", "EYES_OPEN", "MOUTH_CLOSED", "EYES_VISIBLE",
	"FACE_OCCLUSION_PREVENTION", "SINGLE_FACE_PRESENT", "BACKGROUND_UNIFORMITY", "MARGIN"}

// String returns the verdict in the API's words.
func (v Verdict) String() string {
	switch v {
	case NotMeasured:
		return "UNSPECIFIED"
	case Accept:
		return "ACCEPT"
	case Warn:
		return "WARN"
	case Retake:
		return "RETAKE"
	}
	return fmt.Sprintf("Verdict(%d)", int(v))
}
