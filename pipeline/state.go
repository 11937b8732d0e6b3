package pipeline

// State is where a model is in its life. A model that is READY keeps serving while its next version is LOADING; the
// state then stays READY and [ModelStatus.Next] tells of the other.
type State string

// The states, in the order in which a model goes through them.
const (
	Loading   State = "LOADING"   // the file is read and the runtime prepares it
	Warming   State = "WARMING"   // first runs, before anybody waits for one
	Ready     State = "READY"     // serving
	Unloading State = "UNLOADING" // new requests are refused, running ones finish
	Unloaded  State = "UNLOADED"  // was served and gave its memory back
	Failed    State = "FAILED"    // could not be loaded, and no earlier version serves
)
