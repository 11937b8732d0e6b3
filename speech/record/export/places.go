package export

import (
	"github.com/courtsense/courtsense/speech/role"
	"slices"
	"strings"

	"github.com/courtsense/courtsense/speech/record"
)

// placeSet says which places a line may have.
type placeSet int

const (
	casePlaces   placeSet = 1 << iota // of the case and the record
	personPlaces                      // that repeat a line
	pagePlaces
	agendaPlaces
	turnPlaces
	notePlaces
)

// Lines with places of these beginnings are repeated: for each party, each representative of each party, each attendee, and each
// information of the case that has no place of its own.
const (
	partyPrefix          = "party."
	representativePrefix = "representative."
	attendeePrefix       = "attendee."
	otherPrefix          = "other."
	// An information of the case by its name, such as {extra.合议庭}.
	extraPrefix = "extra."
)

var placeNames = []struct {
	set   placeSet
	names []string
}{
	{casePlaces, []string{"court", "number", "cause", "title", "date", "time", "place", "attendees", "absent", "began", "ended", "record", "revision"}},
	{personPlaces, []string{
		"party.role", "party.name", "party.details", "representative.role", "representative.name", "representative.title", "representative.details",
		"attendee.role", "attendee.name", "attendee.title", "other.name", "other.value",
	}},
	{pagePlaces, []string{"page", "pages"}},
	{agendaPlaces, []string{"numeral", "index", "title", "presenter", "decision"}},
	{turnPlaces, []string{"role", "name", "speaker", "time"}},
	{notePlaces, []string{"law", "version", "article", "spoken"}},
}

func (s placeSet) has(name string) bool {
	if s&casePlaces != 0 && (record.Role(name).Valid() || strings.HasPrefix(name, extraPrefix) && name != extraPrefix) {
		return true
	}
	for _, p := range placeNames {
		if s&p.set != 0 && slices.Contains(p.names, name) {
			return true
		}
	}
	return false
}

// String lists the places for an error's reader.
func (s placeSet) String() string {
	var names []string
	for _, p := range placeNames {
		if s&p.set != 0 {
			names = append(names, p.names...)
		}
	}
	if s&casePlaces != 0 {
		for _, r := range role.All() {
			names = append(names, string(r))
		}
		names = append(names, extraPrefix+"NAME")
	}
	return "{" + strings.Join(names, "}, {") + "}"
}
