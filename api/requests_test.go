package api

import (
	"errors"
	"math"
	"testing"

	"buf.build/go/protovalidate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
)

func raw(rate, channels int32) *pb.RecognitionConfig {
	return &pb.RecognitionConfig{
		Encoding: pb.AudioEncoding_AUDIO_ENCODING_LINEAR16, SampleRateHertz: rate, AudioChannelCount: channels,
	}
}

func seats(channels ...int32) []*pb.ChannelRole {
	var out []*pb.ChannelRole
	for _, c := range channels {
		out = append(out, &pb.ChannelRole{Channel: c, Role: pb.SpeakerRole_SPEAKER_ROLE_JUDGE})
	}
	return out
}

// The rules themselves are the subject: each case must be refused for the named field or rule, and for nothing else.
func TestRequestsAreJudgedByTheirRules(t *testing.T) {
	image := &pb.Image{Content: []byte{1}}
	detect := func(change func(*pb.DetectRequest)) proto.Message {
		r := &pb.DetectRequest{Purpose: "test", Image: image}
		change(r)
		return r
	}
	withSeats := func(channels int32, s ...int32) proto.Message {
		c := raw(16000, channels)
		c.ChannelRoles = seats(s...)
		return c
	}
	for name, c := range map[string]struct {
		request proto.Message
		want    string // violated field, or rule id of a whole message; "" when accepted
	}{
		"a plain picture":            {detect(func(*pb.DetectRequest) {}), ""},
		"no purpose":                 {detect(func(r *pb.DetectRequest) { r.Purpose = "" }), "purpose"},
		"no picture":                 {detect(func(r *pb.DetectRequest) { r.Image = nil }), "image"},
		"empty bytes, for a decoder": {detect(func(r *pb.DetectRequest) { r.Image = &pb.Image{} }), ""},
		"score zero":                 {detect(func(r *pb.DetectRequest) { r.MinScore = proto.Float32(0) }), ""},
		"score above one":            {detect(func(r *pb.DetectRequest) { r.MinScore = proto.Float32(1.01) }), "min_score"},
		"score not a number":         {detect(func(r *pb.DetectRequest) { r.MinScore = proto.Float32(float32(math.NaN())) }), "min_score"},
		"overlap zero":               {detect(func(r *pb.DetectRequest) { r.NmsIou = proto.Float32(0) }), "nms_iou"},
		"side by default":            {detect(func(r *pb.DetectRequest) { r.MaxSide = 0 }), ""},
		"side too small":             {detect(func(r *pb.DetectRequest) { r.MaxSide = 63 }), "max_side"},
		"negative faces":             {detect(func(r *pb.DetectRequest) { r.MaxFaces = -1 }), "max_faces"},
		"any encoding by header":     {&pb.RecognitionConfig{}, ""},
		"raw with rate":              {raw(8000, 0), ""},
		"raw at 48 kHz, 8 channels":  {raw(48000, 8), ""},
		"raw without rate":           {raw(0, 1), "recognition_config.raw_needs_rate"},
		"rate below 8 kHz":           {raw(7999, 1), "sample_rate_hertz"},
		"rate above 48 kHz":          {raw(48001, 1), "sample_rate_hertz"},
		"nine channels":              {raw(16000, 9), "audio_channel_count"},
		"unknown encoding":           {&pb.RecognitionConfig{Encoding: 99}, "encoding"},
		"a seat a channel":           {withSeats(2, 0, 1), ""},
		"seats of unknown channels":  {withSeats(0, 0, 7), ""},
		"two seats on a channel":     {withSeats(2, 1, 1), "recognition_config.channel_roles_unique"},
		"a seat without a channel":   {withSeats(2, 0, 2), "recognition_config.channel_roles_range"},
		"a stream without message":   {&pb.StreamingRecognizeRequest{}, "streaming_request"},
		"a stream's empty audio":     {&pb.StreamingRecognizeRequest{StreamingRequest: &pb.StreamingRecognizeRequest_Audio{}}, ""},
		"a stream's config, empty":   {&pb.StreamingConfig{}, "recognition"},
		"idle time too short": {&pb.StreamingConfig{
			Recognition: raw(8000, 1), IdleTimeout: durationpb.New(1e6),
		}, "idle_timeout"},
		"hot word of no length":  {&pb.HotWordUpdate{Add: []*pb.HotWord{{}}}, "add[0].phrase"},
		"hot words over limit":   {&pb.HotWordUpdate{Remove: make([]string, 10001)}, "remove"},
		"pages in order":         {&pb.PageRange{First: 2, Last: 2}, ""},
		"pages to the end":       {&pb.PageRange{First: 2}, ""},
		"pages backwards":        {&pb.PageRange{First: 3, Last: 2}, "page_range.order"},
		"page zero":              {&pb.PageRange{First: 0, Last: 2}, "first"},
		"languages":              {&pb.DocumentConfig{Languages: []string{"chi_sim", "eng", "chi_sim_vert"}}, ""},
		"a path for a language":  {&pb.DocumentConfig{Languages: []string{"../eng"}}, "languages[0]"},
		"a language twice":       {&pb.DocumentConfig{Languages: []string{"eng", "eng"}}, "languages"},
		"resolution too high":    {&pb.DocumentConfig{Dpi: 601}, "dpi"},
		"a model's name":         {&pb.GetModelRequest{Name: "models/face-detect-yunet-n"}, ""},
		"a model's bare id":      {&pb.GetModelRequest{Name: "face-detect-yunet-n"}, "name"},
		"a path for a model":     {&pb.LoadModelRequest{Name: "models/../secret"}, "name"},
		"a page size below zero": {&pb.ListModelsRequest{PageSize: -1}, "page_size"},
	} {
		t.Run(name, func(t *testing.T) {
			err := protovalidate.Validate(c.request)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			var refused *protovalidate.ValidationError
			require.True(t, errors.As(err, &refused), "%v", err)
			if name != "hot words over limit" { // each of its empty words is refused too
				require.Len(t, refused.Violations, 1, "%v", err)
			}
			var got []string
			for _, v := range refused.Violations {
				field := protovalidate.FieldPathString(v.Proto.GetField())
				if field == "" {
					field = v.Proto.GetRuleId()
				}
				got = append(got, field)
			}
			assert.Contains(t, got, c.want)
		})
	}
}

func TestUnservedNamesWhatIsAskedInVain(t *testing.T) {
	config := func(c *pb.RecognitionConfig) proto.Message { return &pb.SpeechServiceRecognizeRequest{Config: c} }
	reading := func(c *pb.DocumentConfig) proto.Message { return &pb.DocumentServiceRecognizeRequest{Config: c} }
	for name, c := range map[string]struct {
		request proto.Message
		want    string
	}{
		"nothing":                 {&pb.DetectRequest{}, ""},
		"no message":              {(*pb.DetectRequest)(nil), ""},
		"a served engine":         {reading(&pb.DocumentConfig{Engine: pb.OcrEngine_OCR_ENGINE_TESSERACT}), ""},
		"an unknown engine":       {reading(&pb.DocumentConfig{Engine: 99}), ""},
		"a switch that is served": {config(&pb.RecognitionConfig{SeparateSpeakers: true}), ""},
		"a value in a list": {&pb.LiveLivenessConfig{AllowedActions: []pb.LivenessAction{
			pb.LivenessAction_LIVENESS_ACTION_BLINK, pb.LivenessAction_LIVENESS_ACTION_READ_DIGITS,
		}}, "allowed_actions[1]=LIVENESS_ACTION_READ_DIGITS"},
		"a served text":          {&pb.StreamingConfig{Record: "records/a"}, ""},
		"a field of the request": {&pb.DocumentServiceRecognizeRequest{Document: "documents/a"}, "document"},
		"a served field":         {&pb.DetectRequest{AnyOrientation: true}, ""},
		"a served message":       {&pb.StreamingConfig{Endpointing: &pb.EndpointingConfig{}}, ""},
		"a field among others":   {&pb.DocumentServiceRecognizeRequest{Config: &pb.DocumentConfig{Correct: proto.Bool(true)}, Document: "documents/a"}, "document"},
		"deep in a stream": {&pb.LiveLivenessRequest{StreamingRequest: &pb.LiveLivenessRequest_Config{
			Config: &pb.LiveLivenessConfig{AllowedActions: []pb.LivenessAction{pb.LivenessAction_LIVENESS_ACTION_READ_DIGITS}},
		}}, "config.allowed_actions[0]=LIVENESS_ACTION_READ_DIGITS"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, Unserved(c.request)) })
	}
}
