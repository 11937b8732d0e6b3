package export

import (
	"encoding/json"
	"io"

	"github.com/courtsense/courtsense/speech/record"
)

// jsonVersion names the shape of the JSON. Keys are only ever added to it; anything else would be another version.
const jsonVersion = "courtsense-record/1"

// writeJSON writes the whole state, seconds and texts as they are kept.
func writeJSON(w io.Writer, s record.State) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(struct {
		Format string `json:"format"`
		record.State
	}{jsonVersion, s})
}
