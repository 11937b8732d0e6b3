package models

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// The tasks a model can serve.
const (
	TaskFaceDetection     = "face-detection"
	TaskFaceEmbedding     = "face-embedding"
	TaskFaceLandmarks     = "face-landmarks"
	TaskFaceLiveness      = "face-liveness"
	TaskTextDetection     = "text-detection"
	TaskTextRecognition   = "text-recognition"
	TaskTextOrientation   = "text-orientation"
	TaskTextCorrection    = "text-correction" // a language model that chooses among readings
	TaskVoiceActivity     = "voice-activity"
	TaskSpeechRecognition = "speech-recognition"
	TaskSpeechEnhancement = "speech-enhancement"
	TaskSpeechLanguage    = "speech-language"   // a language model that recognition of speech decodes with
	TaskPunctuation       = "punctuation"       // marks for text that has none
	TaskSpeakerEmbedding  = "speaker-embedding" // vectors that tell voices apart
	TaskOCRSystem         = "ocr-system"        // a system OCR engine's own data, one entry a language
)

// The decoding families: how a model's outputs are read. Code is written per family, never per vendor.
const (
	FamilyYuNet            = "yunet"             // anchor-free face detector, strides 8, 16, 32 (Wu et al. 2023)
	FamilySCRFD            = "scrfd"             // face detector with anchors, strides 8, 16, 32 (Guo et al. 2022)
	FamilyEmbedding        = "embedding"         // one vector per aligned crop, compared by cosine
	FamilyMiniFASNet       = "minifasnet"        // passive liveness on a scaled face crop
	FamilyLandmarks        = "landmarks"         // regression of N points, x and y interleaved, 0..1 of the crop
	FamilyDBNet            = "dbnet"             // differentiable binarisation probability map (Liao et al. 2020)
	FamilyAngle            = "angle"             // classification of a rotation
	FamilyCTCLine          = "ctc-line"          // one text line to CTC class probabilities
	FamilySileroVAD        = "silero-vad"        // window with left context, recurrent state, sample rate scalar
	FamilyVADStream        = "vad-stream"        // window without context, one recurrent state
	FamilyCTCStream        = "ctc-stream"        // low-frame-rate fbank and cache to CTC logits, causal
	FamilyTransducerStream = "transducer-stream" // streaming encoder, decoder, joiner with states in the metadata
	FamilyGTCRN            = "gtcrn"             // streaming enhancement on one STFT frame (Rong et al. 2024)
	FamilyPunctuator       = "punctuator"        // characters with context on both sides to the mark behind each
	FamilyFbankEmbedding   = "fbank-embedding"   // one vector per stretch of speech, from filterbanks, compared by cosine
	FamilyTesseract        = "tesseract"         // Tesseract traineddata
	FamilyLSTMLM           = "lstm-lm"           // character language model of two LSTMs, our own format (docs/models.md)
	FamilyNGramLM          = "ngram-lm"          // character n-grams in back-off form, our own format (docs/models.md)
)

// Tasks lists every task a catalogue may name.
func Tasks() []string {
	return []string{TaskFaceDetection, TaskFaceEmbedding, TaskFaceLandmarks, TaskFaceLiveness, TaskTextDetection,
		TaskTextRecognition, TaskTextOrientation, TaskTextCorrection, TaskVoiceActivity, TaskSpeechRecognition, TaskSpeechEnhancement,
		TaskSpeechLanguage, TaskPunctuation, TaskSpeakerEmbedding, TaskOCRSystem}
}

// Families lists every decoding family a catalogue may name.
func Families() []string {
	return []string{FamilyYuNet, FamilySCRFD, FamilyEmbedding, FamilyMiniFASNet, FamilyLandmarks, FamilyDBNet, FamilyAngle, FamilyCTCLine,
		FamilySileroVAD, FamilyVADStream, FamilyCTCStream, FamilyTransducerStream, FamilyGTCRN, FamilyPunctuator, FamilyFbankEmbedding, FamilyTesseract, FamilyLSTMLM, FamilyNGramLM}
}

// The roles of a model's files.
const (
	RoleModel       = "model"
	RoleTokens      = "tokens" // output classes of a speech model, one "token id" or token a line
	RoleKeys        = "keys"   // output classes of a line recogniser, one character a line
	RoleEncoder     = "encoder"
	RoleDecoder     = "decoder"
	RoleJoiner      = "joiner"
	RoleTrainedData = "traineddata"
	RoleLM          = "lm" // a language model
)

// Roles lists every file role a catalogue may name.
func Roles() []string {
	return []string{RoleModel, RoleTokens, RoleKeys, RoleEncoder, RoleDecoder, RoleJoiner, RoleTrainedData, RoleLM}
}

// Catalog is the list of known models. Within a task (and slot) the order is the order of preference.
type Catalog struct {
	Format int     `yaml:"format"` // version of the format: 1
	Models []Entry `yaml:"models"`
}

// Entry describes one model: where its files come from, what they are allowed to be used for, and all that the code of
// its decoding family must know to feed it and read it. The YAML keys are documented in docs/models.md.
type Entry struct {
	ID           string       `yaml:"id"`      // unique, lower-case words joined by "-"
	Version      string       `yaml:"version"` // as the publisher names it
	Title        string       `yaml:"title"`
	Task         string       `yaml:"task"`
	Slot         string       `yaml:"slot"` // entries of one task with different slots are used together and do not compete
	Family       string       `yaml:"family"`
	License      string       `yaml:"license"` // SPDX expression of the weights, with a remark where it is not plain
	TrainingData string       `yaml:"training_data"`
	Source       string       `yaml:"source"` // the publisher's page
	Card         string       `yaml:"card"`   // model card, relative to the models folder of the repository
	Notes        string       `yaml:"notes"`
	Files        []File       `yaml:"files"`
	Inputs       []TensorSpec `yaml:"inputs"`
	Outputs      []TensorSpec `yaml:"outputs"`
	Parameters   Parameters   `yaml:"parameters"`
	Thresholds   []Threshold  `yaml:"thresholds"`
	Batch        BatchSpec    `yaml:"batch"`
	Embedded     bool         `yaml:"embedded"` // the files are also compiled into the program
	System       bool         `yaml:"system"`   // the files are also found where an operating system package puts them
	Optional     bool         `yaml:"optional"` // pulled from its URL only when asked for by id: large, or with open questions
	Remote       *Remote      `yaml:"remote"`   // served by another process over the Open Inference Protocol
}

// File is one file of a model. It lies at DIR/Path in the store DIR and in every mirror.
type File struct {
	Role    string `yaml:"role"`
	Path    string `yaml:"path"` // slash-separated, relative, clean
	URL     string `yaml:"url"`  // https; empty where the file is not published as it is
	SHA256  string `yaml:"sha256"`
	Size    int64  `yaml:"size"` // bytes; 0 where not known
	License string `yaml:"license"`
	// Verified is nil unless the catalogue says "verified: false": no hash is known, the first pull records one.
	Verified *bool `yaml:"verified"`
}

// TrustOnFirstUse reports a file whose hash the catalogue does not know.
func (f File) TrustOnFirstUse() bool { return f.Verified != nil && !*f.Verified }

// TensorSpec describes one input or output. Pixels become tensor values as (pixel*Scale - Mean[c]) / Std[c], channels in
// the order of Color, pixels 0..255.
type TensorSpec struct {
	Name       string    `yaml:"name"`
	DType      string    `yaml:"dtype"`       // float32, int64 or uint8
	Shape      []int64   `yaml:"shape"`       // -1 where dynamic; empty for a scalar
	Layout     string    `yaml:"layout"`      // one letter an axis, such as NCHW
	Color      string    `yaml:"color"`       // BGR, RGB or GRAY; empty for anything but pictures
	Scale      float64   `yaml:"scale"`       // 1 when not given
	Mean       []float64 `yaml:"mean"`        // per channel, 0 when not given
	Std        []float64 `yaml:"std"`         // per channel, 1 when not given
	BatchAxis  int       `yaml:"batch_axis"`  // axis along which requests may be joined; -1 when not given: none
	MultipleOf int       `yaml:"multiple_of"` // height and width must be multiples of this; 0: anything
	Step       float64   `yaml:"step"`        // of a picture in uint8: tensor value = (byte - ZeroPoint) * Step
	ZeroPoint  int       `yaml:"zero_point"`  // see Step, 0..255
	Block      int       `yaml:"block"`       // so many pixels squared are one place, their channels one behind the other; 0: each pixel is
	Next       string    `yaml:"next"`        // a recurrent input: the output that holds its next value; it starts at zeros
	Example    []int64   `yaml:"example"`     // a concrete shape for warm-up, where Shape is dynamic
}

// WarmupShape returns a concrete shape with batch 1: Example, else Shape with every dynamic dimension set to 1.
func (t TensorSpec) WarmupShape() []int64 {
	if len(t.Example) > 0 {
		return slices.Clone(t.Example)
	}
	shape := slices.Clone(t.Shape)
	for i, d := range shape {
		if d < 0 {
			shape[i] = 1
		}
	}
	return shape
}

// Threshold is a number that decides, with its unit and where it was measured.
type Threshold struct {
	Name     string  `yaml:"name"`
	Value    float64 `yaml:"value"`
	Unit     string  `yaml:"unit"`
	Measured string  `yaml:"measured"` // data set and who measured; "published, not measured here" is an honest answer
}

// BatchSpec bounds dynamic batching.
type BatchSpec struct {
	Max     int     `yaml:"max"`      // largest batch worth forming; 0 and 1: none
	DelayMS float64 `yaml:"delay_ms"` // longest wait for a batch to fill, milliseconds
	Dynamic bool    `yaml:"dynamic"`  // the graph takes any batch size
}

// Remote names a model on a server that speaks the Open Inference Protocol v2.
type Remote struct {
	Endpoint string `yaml:"endpoint"` // grpc://host:port or grpcs://host:port
	Model    string `yaml:"model"`
	Version  string `yaml:"version"` // empty: the server's default
}

// Entry returns the entry called id.
func (c *Catalog) Entry(id string) (Entry, error) {
	for _, e := range c.Models {
		if e.ID == id {
			return e, nil
		}
	}
	ids := make([]string, len(c.Models))
	for i, e := range c.Models {
		ids[i] = e.ID
	}
	return Entry{}, fmt.Errorf("%w: %q is not in the catalogue%s", ErrUnknown, id, suggest(id, ids))
}

// Task returns the entries of a task in order of preference.
func (c *Catalog) Task(task string) []Entry {
	var out []Entry
	for _, e := range c.Models {
		if e.Task == task {
			out = append(out, e)
		}
	}
	return out
}

// File returns the file with a role.
func (e Entry) File(role string) (File, error) {
	for _, f := range e.Files {
		if f.Role == role {
			return f, nil
		}
	}
	return File{}, fmt.Errorf("model %s has no file with role %q", e.ID, role)
}

// Input returns the input called name.
func (e Entry) Input(name string) (TensorSpec, bool) { return tensorNamed(e.Inputs, name) }

// Output returns the output called name.
func (e Entry) Output(name string) (TensorSpec, bool) { return tensorNamed(e.Outputs, name) }

func tensorNamed(list []TensorSpec, name string) (TensorSpec, bool) {
	i := slices.IndexFunc(list, func(t TensorSpec) bool { return t.Name == name })
	if i < 0 {
		return TensorSpec{}, false
	}
	return list[i], true
}

// Threshold returns the value of the threshold called name, or def.
func (e Entry) Threshold(name string, def float64) float64 {
	for _, t := range e.Thresholds {
		if t.Name == name {
			return t.Value
		}
	}
	return def
}

// Size returns the bytes of all files whose size is known.
func (e Entry) Size() int64 {
	var n int64
	for _, f := range e.Files {
		n += f.Size
	}
	return n
}

// Networks returns the roles of the files that are networks to be run, the main one first. An entry that another process
// serves has the role model.
func (e Entry) Networks() []string {
	var roles []string
	for _, role := range []string{RoleModel, RoleEncoder, RoleDecoder, RoleJoiner} {
		if _, err := e.File(role); err == nil {
			roles = append(roles, role)
		}
	}
	if len(roles) == 0 {
		roles = []string{RoleModel}
	}
	return roles
}

// primary returns the file whose hash identifies the model in provenance.
func (e Entry) primary() (File, bool) {
	for _, role := range []string{RoleModel, RoleEncoder, RoleTrainedData, RoleLM} {
		if f, err := e.File(role); err == nil {
			return f, true
		}
	}
	return File{}, false
}

// suggest returns ", did you mean ..." for the closest candidate, or the list of candidates when it is short.
func suggest(got string, candidates []string) string {
	best, distance := "", len(got)/2+1
	if len(got) > maxName {
		return "" // not a slip of the pen
	}
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(got, c); d < distance {
			best, distance = c, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf(", did you mean %q?", best)
	case len(candidates) <= 24:
		return ": want one of " + strings.Join(candidates, ", ")
	}
	return ""
}
