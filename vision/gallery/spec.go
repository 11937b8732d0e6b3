package gallery

import (
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"
)

// ModelRef names the embedding model of a template. Templates of different models can't be compared.
type ModelRef struct {
	ID         string // in the catalogue
	SHA256     string // of the model's weights, 64 lower-case hexadecimal digits
	Dimensions int    // of a template, 1 to 2048
}

// GallerySpec is what a gallery is created with.
type GallerySpec struct { //nolint:revive // a store holds persons and templates too, so that Spec alone would not say of what
	Name        string // 1 to 63 of a-z, 0-9 and "-", starting with a letter
	DisplayName string // at most 128 characters
	Model       ModelRef
	Retention   time.Duration // persons are deleted so long after their last enrolment, at least an hour; 0: never
	MaxPersons  int           // 0: as many as the store's limits allow
}

// Gallery is a gallery as it is on record.
type Gallery struct {
	GallerySpec
	Persons, Templates int
	Created            time.Time
}

// Person is a person's record, without templates.
type Person struct {
	ID        string
	Labels    map[string]string
	Templates int
	Created   time.Time // first enrolment
	Enrolled  time.Time // last enrolment
	Expires   time.Time // zero: never
}

// EnrolRecord is one face to be kept.
type EnrolRecord struct {
	Person   string            // 1 to 64 of a-z, A-Z, 0-9, "-", "_", "."; a new person or one in the gallery
	Labels   map[string]string // set, while others stay; at most 32, keys of 1 to 64, values of at most 256 characters
	Model    ModelRef          // that made the template
	Template []float32         // of length 1
	Purpose  string            // why it is kept, at most 128 characters
	Consent  string            // reference to the recorded consent, at most 128 characters
	Quality  int               // of the picture, 0 to 100
	// DuplicateThreshold is the cosine from which on another person counts as a duplicate; 0 looks for none.
	DuplicateThreshold float32
	// RefuseDuplicates answers a duplicate with a [*DuplicateError] instead of enrolling.
	RefuseDuplicates bool
}

// Enrolled is what became of an EnrolRecord.
type Enrolled struct {
	Person     Person
	Duplicates []Candidate // other persons from the threshold on, the nearest first, at most 10
}

// Probe is a face that is searched for.
type Probe struct {
	Model    ModelRef
	Template []float32 // of length 1
}

// Candidate is a person whom a search found.
type Candidate struct {
	Person Person
	Cosine float32 // of their nearest template, -1 to 1
}

// Limits bound a store. Zero values are the defaults.
type Limits struct {
	Persons            int   // in one gallery; 1,000,000
	TemplatesPerPerson int   // 16
	FileBytes          int64 // size of the file; 0 is SQLite's own limit
}

const (
	defaultPersons   = 1_000_000
	defaultTemplates = 16
	maxDimensions    = 2048
	maxDuplicates    = 10
	maxCandidates    = 1000
	minRetention     = time.Hour
)

var (
	galleryName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	personID    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	hexSHA256   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func (s GallerySpec) validate() error {
	switch {
	case !galleryName.MatchString(s.Name):
		return fmt.Errorf("%w: gallery name %q must be 1 to 63 of a-z, 0-9 and \"-\" and start with a letter", ErrInvalid, s.Name)
	case !atMost(s.DisplayName, 128):
		return fmt.Errorf("%w: gallery %s: the display name has more than 128 characters", ErrInvalid, s.Name)
	case !atMost(s.Model.ID, 128) || s.Model.ID == "" || !hexSHA256.MatchString(s.Model.SHA256):
		return fmt.Errorf("%w: gallery %s: a model with its id and SHA-256 is wanted, got %q and %q", ErrInvalid, s.Name, s.Model.ID, s.Model.SHA256)
	case s.Model.Dimensions < 1 || s.Model.Dimensions > maxDimensions:
		return fmt.Errorf("%w: gallery %s: model %s has templates of %d dimensions, 1 to %d are supported", ErrInvalid, s.Name, s.Model.ID, s.Model.Dimensions, maxDimensions)
	case s.Retention != 0 && s.Retention < minRetention:
		return fmt.Errorf("%w: gallery %s: retention %v is less than %v", ErrInvalid, s.Name, s.Retention, minRetention)
	case s.MaxPersons < 0:
		return fmt.Errorf("%w: gallery %s: the greatest number of persons is negative", ErrInvalid, s.Name)
	}
	return nil
}

func (r EnrolRecord) validate() error {
	if !personID.MatchString(r.Person) {
		return fmt.Errorf("%w: person id %q must be 1 to 64 of a-z, A-Z, 0-9, \"-\", \"_\" and \".\"", ErrInvalid, r.Person)
	}
	if err := validateLabels(r.Labels); err != nil {
		return err
	}
	switch {
	case !atMost(r.Purpose, 128) || !atMost(r.Consent, 128):
		return fmt.Errorf("%w: purpose and consent may have 128 characters each", ErrInvalid)
	case r.Quality < 0 || r.Quality > 100:
		return fmt.Errorf("%w: quality %d is not within 0 and 100", ErrInvalid, r.Quality)
	case !(r.DuplicateThreshold >= 0 && r.DuplicateThreshold <= 1):
		return fmt.Errorf("%w: the duplicate threshold %v is not within 0 and 1", ErrInvalid, r.DuplicateThreshold)
	}
	return nil
}

const maxLabels = 32

func validateLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return fmt.Errorf("%w: %d labels, at most %d are kept", ErrInvalid, len(labels), maxLabels)
	}
	for k, v := range labels {
		if k == "" || !atMost(k, 64) || !atMost(v, 256) {
			return fmt.Errorf("%w: a label's key must have 1 to 64 characters and its value at most 256", ErrInvalid)
		}
	}
	return nil
}

func atMost(s string, n int) bool { return utf8.ValidString(s) && utf8.RuneCountInString(s) <= n }

// accepts reports why a template can't be compared with those of a gallery, or nil.
func (s GallerySpec) accepts(m ModelRef) error {
	if m == s.Model {
		return nil
	}
	return fmt.Errorf("%w: gallery %s holds templates of %s (%.12s..., %d dimensions), the face was embedded by %s (%.12s..., %d dimensions): use the gallery's model, or enrol its persons anew in a gallery of the other",
		ErrModelMismatch, s.Name, s.Model.ID, s.Model.SHA256, s.Model.Dimensions, m.ID, m.SHA256, m.Dimensions)
}
