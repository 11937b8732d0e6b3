package benchmarks

import "time"

// ProcessorTime is the user and system time that all threads of this process have spent; 0 where that is not known.
func ProcessorTime() time.Duration { return processorTime() }

// Resident is the memory that this process has in use, bytes; 0 where the system does not tell.
func Resident() int64 { return resident() }
