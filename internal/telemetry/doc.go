// Package telemetry is what the server tells its operator: structured logs without personal data, Prometheus metrics per
// rpc, model and pipeline stage, and OpenTelemetry traces. Calls, stages and engine events go in; log lines, a /metrics
// page, spans and the stage timings of an answer's provenance come out.
package telemetry
