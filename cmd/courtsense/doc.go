// Command courtsense is the server and its tools in one binary, one file a subcommand: serve answers gRPC and HTTP; ocr,
// face and transcribe take files and print results, in this process or through a server; models fills and checks the model
// store; doctor says what is installed; demo proves that all of it works. Files, flags and the configuration go in; results
// go to standard output, everything else to standard error. docs/cli.md is the reference.
package main
