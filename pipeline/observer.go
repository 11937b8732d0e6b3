package pipeline

import "time"

// Observer is told what the engine does, for metrics. Its methods are called on the hot path and must not block.
type Observer interface {
	// RequestFinished is called once for each request that reached a model, also for refused and abandoned ones.
	RequestFinished(RequestStats)
	// RunFinished is called once for each run of a model, however many requests it joined.
	RunFinished(RunStats)
	// StateChanged is called when a model's state changes.
	StateChanged(model string, s State)
}

// RequestStats describes one request's way through a batcher.
type RequestStats struct {
	Model     string
	Reason    Reason        // "" when it succeeded
	Rows      int           // of the request itself; 0 when it was refused before they were counted
	BatchRows int           // of the run that carried it; 0 when it was never run
	Queue     time.Duration // from arrival to the start of its run, or to giving up
	Run       time.Duration // from the start of its run to its answer; 0 when it was never run
}

// RunStats describes one run of a model.
type RunStats struct {
	Model    string
	Reason   Reason // "" when it succeeded
	Requests int
	Rows     int
	Join     time.Duration // copying the requests' inputs together
	Run      time.Duration // in the executor
}

type noObserver struct{}

func (noObserver) RequestFinished(RequestStats) {}
func (noObserver) RunFinished(RunStats)         {}
func (noObserver) StateChanged(string, State)   {}
