package conf

// Config is the whole configuration. A field's tags are its documentation: key is the name in YAML, default the value
// when nothing sets it, min, max and oneof what is accepted, doc the text of docs/configuration.md.
type Config struct {
	Server      Server      `key:"server"`
	Limits      Limits      `key:"limits"`
	Models      Models      `key:"models"`
	ONNXRuntime ONNXRuntime `key:"onnxruntime"`
	OCR         OCR         `key:"ocr"`
	Face        Face        `key:"face"`
	Galleries   Galleries   `key:"galleries"`
	Gate        Gate        `key:"gate"`
	Speech      Speech      `key:"speech"`
	Records     Records     `key:"records"`
	Telemetry   Telemetry   `key:"telemetry"`
	Admin       Admin       `key:"admin"`
}

// Server configures the listening sockets and everything that bounds a connection or a call.
type Server struct {
	GRPC                 GRPC      `key:"grpc"`
	HTTP                 HTTP      `key:"http"`
	TLS                  TLS       `key:"tls"`
	MaxMessageBytes      Bytes     `key:"max_message_bytes" default:"64MiB" min:"64KiB" max:"1GiB" doc:"Largest request message, over gRPC and as decoded from JSON. A larger one is refused with RESOURCE_EXHAUSTED; up to twice this size is read in order to say so with details."`
	MaxConcurrentStreams int       `key:"max_concurrent_streams" default:"128" min:"1" max:"100000" doc:"Most calls at once on one connection; further calls of that connection wait at the client."`
	MaxConnections       int       `key:"max_connections" default:"1024" min:"1" max:"1000000" doc:"Most open connections per port; further ones wait to be accepted."`
	MaxCalls             int       `key:"max_calls" default:"256" min:"1" max:"1000000" doc:"Most calls at once over all connections, streams included; a further one is answered RESOURCE_EXHAUSTED at once. With twice max_message_bytes it bounds the memory that requests can hold."`
	Timeouts             Timeouts  `key:"timeouts"`
	Keepalive            Keepalive `key:"keepalive"`
}

// GRPC configures the gRPC socket.
type GRPC struct {
	Address    string `key:"address" default:":9090" check:"hostport" doc:"Address of the gRPC port, host:port; an empty host means every interface, port 0 any free port."`
	Reflection bool   `key:"reflection" default:"true" doc:"Whether the reflection service answers, so that tools such as grpcurl can list the services."`
}

// HTTP configures the JSON socket.
type HTTP struct {
	Address           string   `key:"address" default:":8080" check:"hostport-or-empty" doc:"Address of the HTTP port (JSON calls, OpenAPI, health, metrics), host:port; an empty value turns HTTP off."`
	MaxBodyBytes      Bytes    `key:"max_body_bytes" default:"96MiB" min:"64KiB" max:"2GiB" doc:"Largest HTTP request body. JSON carries bytes as base64, 4/3 of their size, so this is larger than max_message_bytes."`
	MaxHeaderBytes    Bytes    `key:"max_header_bytes" default:"64KiB" min:"4KiB" max:"1MiB" doc:"Largest HTTP request header."`
	ReadHeaderTimeout Duration `key:"read_header_timeout" default:"5s" min:"100ms" max:"1m" doc:"Longest time that a client may take to send its request header."`
	IdleTimeout       Duration `key:"idle_timeout" default:"2m" min:"1s" max:"1h" doc:"How long an HTTP connection may wait for its next request."`
}

// TLS configures transport security of both sockets. The files are read again when they change.
type TLS struct {
	CertFile     string `key:"cert_file" default:"" doc:"PEM file with the server's certificate chain. Empty: no TLS. Read again when it changes."`
	KeyFile      string `key:"key_file" default:"" doc:"PEM file with the certificate's private key."`
	ClientCAFile string `key:"client_ca_file" default:"" doc:"PEM file with the authorities whose client certificates are accepted. When set, every client must show one (mTLS)."`
	MinVersion   string `key:"min_version" default:"1.2" oneof:"1.2|1.3" doc:"Lowest TLS version that is spoken."`
}

// Timeouts bound how long a call may run, be silent, or block.
type Timeouts struct {
	Unary       Duration `key:"unary" default:"30s" min:"100ms" max:"1h" doc:"Longest run of a unary call. A client's own shorter deadline counts."`
	Document    Duration `key:"document" default:"5m" min:"100ms" max:"6h" doc:"Longest run of a unary DocumentService call, and of SpeechService's file calls: many pages or hours of sound in one call."`
	Admin       Duration `key:"admin" default:"10m" min:"100ms" max:"6h" doc:"Longest run of a ModelService call; loading a large model includes its warm-up."`
	StreamTotal Duration `key:"stream_total" default:"8h" min:"1s" max:"168h" doc:"Longest life of a streaming call; a day of hearings is shorter than the default."`
	StreamIdle  Duration `key:"stream_idle" default:"1m" min:"100ms" max:"1h" doc:"How long the server waits for a client's next whole message, or the next piece of an HTTP body, while it sends nothing itself; then the call ends with DEADLINE_EXCEEDED, reason IDLE_TIMEOUT."`
	Send        Duration `key:"send" default:"30s" min:"100ms" max:"1h" doc:"How long one answer may wait for a client that does not read; then the call ends, reason SLOW_CLIENT."`
	Handshake   Duration `key:"handshake" default:"10s" min:"100ms" max:"2m" doc:"Longest time for a new connection's TLS and HTTP/2 handshakes."`
	Drain       Duration `key:"drain" default:"30s" min:"0s" max:"1h" doc:"After SIGTERM: how long running calls may take to finish before they are ended."`
	DrainNotice Duration `key:"drain_notice" default:"0s" min:"0s" max:"5m" doc:"After SIGTERM: how long new calls are still accepted while health already answers NOT_SERVING, for load balancers that notice late."`
}

// Keepalive configures the pings that find dead gRPC peers, and the bounds on a client's own pings.
type Keepalive struct {
	Time                Duration `key:"time" default:"1m" min:"1s" max:"24h" doc:"Silence on a connection after which the server pings the client."`
	Timeout             Duration `key:"timeout" default:"20s" min:"100ms" max:"1h" doc:"How long the server waits for a ping's answer before it closes the connection."`
	MinTime             Duration `key:"min_time" default:"10s" min:"0s" max:"1h" doc:"Shortest interval at which a client may ping; one that pings more often is disconnected."`
	PermitWithoutStream bool     `key:"permit_without_stream" default:"true" doc:"Whether a client may ping while it has no call open."`
	MaxConnectionIdle   Duration `key:"max_connection_idle" default:"15m" min:"0s" max:"168h" doc:"Time without a call after which a connection is closed; 0s: never."`
	MaxConnectionAge    Duration `key:"max_connection_age" default:"0s" min:"0s" max:"168h" doc:"Age at which a connection is asked to close once its calls are done, so that clients spread over new replicas; 0s: never."`
}

// Limits bound what one input may cost. A larger input is refused with the limit's name in the error.
type Limits struct {
	MaxImageBytes    Bytes `key:"max_image_bytes" default:"32MiB" min:"1KiB" max:"1GiB" doc:"Largest encoded picture or page. Not above server.max_message_bytes."`
	MaxPixels        Count `key:"max_pixels" default:"100M" min:"10k" max:"1G" doc:"Most pixels of one picture or rendered page, checked from the header before any pixel is decoded. Memory needed: about 8 bytes a pixel."`
	MaxImageSide     int   `key:"max_image_side" default:"30000" min:"64" max:"65535" doc:"Longest width or height of a picture, in pixels."`
	MaxPages         int   `key:"max_pages" default:"1000" min:"1" max:"100000" doc:"Most pages of one PDF or multi-page TIFF."`
	MaxPDFBytes      Bytes `key:"max_pdf_bytes" default:"60MiB" min:"1KiB" max:"1GiB" doc:"Largest PDF file. Not above server.max_message_bytes."`
	MaxAudioBytes    Bytes `key:"max_audio_bytes" default:"2GiB" min:"1KiB" max:"64GiB" doc:"Most encoded sound of one call or stream."`
	MaxAudioSeconds  int   `key:"max_audio_seconds" default:"28800" min:"1" max:"604800" doc:"Longest sound of one call or stream, in seconds, as decoded."`
	MaxAudioChannels int   `key:"max_audio_channels" default:"8" min:"1" max:"8" doc:"Most channels of one sound."`
	MaxFaces         int   `key:"max_faces" default:"500" min:"1" max:"10000" doc:"Most faces returned for one picture, best scores first."`
}

// Models configures the model store and the engine that runs its models.
type Models struct {
	Dir          string   `key:"dir" default:"" doc:"Folder of the model store. Empty: the user's data folder, $XDG_DATA_HOME/courtsense/models or ~/.local/share/courtsense/models. An empty folder means embedded and system models only. COURTSENSE_MODELS is a second name of its variable."`
	Preload      []string `key:"preload" default:"" doc:"Ids of models to load and warm up before the server is ready, besides the ones that the services need."`
	Device       string   `key:"device" default:"auto" check:"device" doc:"Where models run: auto, cpu, cuda:N or tensorrt:N. auto takes a GPU when the ONNX Runtime library has one, and says so when it falls back."`
	IntraThreads int      `key:"intra_threads" default:"1" min:"0" max:"1024" doc:"Threads inside one run of one model; 0: one per core. The models of this release are small and run as fast on one; more threads suit large models."`
	Instances    int      `key:"instances" default:"0" min:"0" max:"1024" doc:"Runs of one model that may be under way at a time; 0: as many as there are cores for intra_threads each."`
	Batch        Batch    `key:"batch"`
}

// Batch bounds the dynamic batching of the engine.
type Batch struct {
	Max   int      `key:"max" default:"0" min:"0" max:"1024" doc:"Most items joined into one run; 0: what the catalogue says for the model."`
	Delay Duration `key:"delay" default:"2ms" min:"0s" max:"10s" doc:"How long an item waits for others to join its run."`
	Queue int      `key:"queue" default:"256" min:"1" max:"1000000" doc:"Most items waiting per model; a further one is answered RESOURCE_EXHAUSTED at once."`
}

// ONNXRuntime configures the inference library.
type ONNXRuntime struct {
	Library string `key:"library" default:"" doc:"Path of libonnxruntime. Empty: the variable ORT_LIBRARY, then the place where the installation put it, then the system's library path. Name ONNX Runtime's GPU release here to use CUDA or TensorRT."`
}

// OCR configures reading.
type OCR struct {
	Engine        string    `key:"engine" default:"auto" oneof:"auto|onnx|tesseract|compare" doc:"What reads a page when the request does not say: onnx (the models of the catalogue), tesseract, compare (both, and where they differ), or auto: onnx where its models are available, else tesseract."`
	Orient        bool      `key:"orient" default:"true" doc:"Whether pages are turned upright before they are read, when the request does not say. Engine onnx only."`
	Enhance       bool      `key:"enhance" default:"true" doc:"Whether pages are cleaned before they are read, when the request does not say. Engine onnx only."`
	Correct       bool      `key:"correct" default:"true" doc:"Whether characters of low confidence are corrected by the language model, when the request does not say. Engine onnx only."`
	Models        OCRModels `key:"models"`
	LanguageModel string    `key:"language_model" default:"" doc:"File of the language model that corrects, such as 'courtsense lm adapt' writes. Empty: the best one available, in the catalogue's order."`
	Languages     []string  `key:"languages" default:"chi_sim" doc:"Languages that are read when the request names none, as Tesseract names them. One is faster and reads its own pages better than two; chi_sim reads Latin letters and digits too. Engine onnx reads chi_sim and eng, always both."`
	Workers       int       `key:"workers" default:"0" min:"0" max:"1024" doc:"Pages read at once; 0: one per core. Each of Tesseract's holds about 60 MB."`
	DPI           int       `key:"dpi" default:"200" min:"72" max:"600" doc:"Resolution at which PDF pages are rendered, in dots per inch."`
	TessdataDir   string    `key:"tessdata_dir" default:"" doc:"Folder of Tesseract's traineddata files. Empty: where the system put them."`
}

// OCRModels name the models of engine onnx.
type OCRModels struct {
	Detection   string `key:"detection" default:"" doc:"Id of the model that finds lines of text. Empty: the best one available, in the catalogue's order; so for the other models too."`
	Recognition string `key:"recognition" default:"" doc:"Id of the model that reads lines."`
	Orientation string `key:"orientation" default:"" doc:"Id of the model that tells how far a page is turned."`
	Direction   string `key:"direction" default:"" doc:"Id of the model that tells whether a line stands on its head. It is used only when named here, or where no model for pages is available."`
}

// Face configures the work on faces.
type Face struct {
	Model           string   `key:"model" default:"" doc:"Id of the detection model. Empty: the best one available, in the catalogue's order; so for the other models too."`
	MinScore        float64  `key:"min_score" default:"0" min:"0" max:"1" doc:"Lowest score of a reported face when the request does not say; 0: the model's own threshold in the catalogue."`
	NMSIoU          float64  `key:"nms_iou" default:"0" min:"0" max:"1" doc:"Overlap (intersection over union) above which the weaker of two boxes is dropped; 0: the model's own value in the catalogue."`
	MinSize         int      `key:"min_size" default:"0" min:"0" max:"10000" doc:"Smallest reported face: the shorter side of its box, in pixels of the original picture."`
	MaxSide         int      `key:"max_side" default:"640" min:"64" max:"2560" doc:"Longest side at which a picture is shown to the detector; larger ones are scaled down. Smaller is faster, larger finds smaller faces."`
	Embedding       string   `key:"embedding" default:"" doc:"Id of the model that makes templates, for comparing and for galleries."`
	Landmarks       string   `key:"landmarks" default:"" doc:"Id of the model of the face's contours, which tells open eyes, a closed mouth and the pose."`
	Liveness        []string `key:"liveness" default:"" doc:"Ids of the models that tell a live face from a picture of one; their scores are averaged. Empty: the published pair where both are there, else ours."`
	CalibrationDir  string   `key:"calibration_dir" default:"" doc:"Folder of calibration files (NAME.json), as 'courtsense eval face calibrate' writes them, which go before the built-in ones for the same weights."`
	MinEyeDistance  float64  `key:"min_eye_distance" default:"12" min:"4" max:"1000" doc:"Least distance between the eyes' centres of a face that is compared, enrolled or searched for, in pixels of the original picture."`
	SessionValidity Duration `key:"session_validity" default:"10m" min:"10s" max:"24h" doc:"How long after it a session of active liveness (LiveLiveness) can be named in VerifyIdentity, at most five times. Sessions are known only to the server that ran them, and forgotten when it ends."`
}

// Galleries configures the persons whom faces are searched for among. Their templates are only kept encrypted: without a key
// there are no galleries.
type Galleries struct {
	Path         string   `key:"path" default:"" doc:"File that holds the galleries, in a folder that only the server's user may enter. Empty: $XDG_DATA_HOME/courtsense/galleries.db or ~/.local/share/courtsense/galleries.db."`
	KeyFile      string   `key:"key_file" default:"" doc:"File with the keys that galleries are encrypted with, as 'courtsense gallery keygen' makes it, readable by its owner only. Empty: the keys are in the variable COURTSENSE_GALLERY_KEY; without that one either, gallery calls answer FAILED_PRECONDITION."`
	Retention    Duration `key:"retention" default:"0s" min:"0s" max:"876000h" doc:"How long after their last enrolment persons are deleted, in a gallery that was created without saying; 0s: never."`
	MaxPersons   Count    `key:"max_persons" default:"1M" min:"1" max:"100M" doc:"Most persons of one gallery. A template of 512 numbers takes 2 kB of memory."`
	MaxTemplates int      `key:"max_templates" default:"16" min:"1" max:"1000" doc:"Most templates of one person."`
	MaxBytes     Bytes    `key:"max_bytes" default:"0" min:"0" max:"1048576GiB" doc:"Largest size of the file; 0: as large as the disk allows."`
}

// Gate configures cameras and what is made of their pictures. Gates need galleries, and so a key; without cameras nothing is
// watched.
type Gate struct {
	Cameras       []string    `key:"cameras" default:"" doc:"Cameras, each NAME=SOURCE: rtsp://..., http://... (MJPEG), device:N, or file:PATH, of files with ?loop and ?realtime. A password in an address stays out of logs and metrics; keep this file readable by the server's user only. RTSP, devices and files need OpenCV."`
	Policy        string      `key:"policy" default:"" doc:"File that says which cameras watch which zones, and who may enter when (docs/gates.md). It is read again when it changes; one with a mistake leaves the policy as it was."`
	Path          string      `key:"path" default:"" doc:"File of the journal: events, visits and attendance, encrypted with the galleries' key. Empty: gates.db beside the galleries."`
	Retention     Duration    `key:"retention" default:"720h" min:"0s" max:"876000h" doc:"How long events and visits are kept; 0s: until they are deleted by hand."`
	FPIR          float64     `key:"fpir" default:"0.001" min:"0.000001" max:"0.01" doc:"False positive identification rate: how often a stranger's passage may be taken for anybody's in the zone's galleries. Where the calibration can't support it, the threshold is an estimate, and events say so."`
	LookInterval  Duration    `key:"look_interval" default:"110ms" min:"10ms" max:"10s" doc:"Least time between two pictures in which faces are looked for; between them they are followed by how they move. The default is every third picture at 25 a second."`
	MinFrames     int         `key:"min_frames" default:"3" min:"1" max:"50" doc:"Good looks at a face that a decision needs."`
	MinFace       int         `key:"min_face" default:"48" min:"16" max:"2000" doc:"Width of the smallest face that is taken to be at the gate, in pixels."`
	Patience      Duration    `key:"patience" default:"2.5s" min:"0s" max:"1m" doc:"How long somebody may stay unidentified before they are unknown."`
	Tailgate      Duration    `key:"tailgate" default:"3s" min:"0s" max:"1m" doc:"How near in time to an admission a second face is tailgating."`
	CameraSilence Duration    `key:"camera_silence" default:"15s" min:"1s" max:"10m" doc:"How long a camera may send nothing that can be read before it is lost. Longer than the time between two of its pictures."`
	CameraRetry   Duration    `key:"camera_retry" default:"1m" min:"1s" max:"1h" doc:"Longest time between two attempts to open a lost camera; the first comes after a second."`
	Webhook       GateWebhook `key:"webhook"`
}

// GateWebhook configures where events are posted to.
type GateWebhook struct {
	URL        string   `key:"url" default:"" doc:"Address that every event is posted to as JSON, signed as Standard Webhooks 1.0 says. Empty: none."`
	SecretFile string   `key:"secret_file" default:"" doc:"File with the secret that signs: whsec_ and 24 to 64 bytes as base64."`
	Queue      int      `key:"queue" default:"1000" min:"1" max:"100000" doc:"Events that wait for the receiver at most; further ones are not posted, and counted."`
	Timeout    Duration `key:"timeout" default:"10s" min:"100ms" max:"5m" doc:"Longest time of one attempt."`
	GiveUp     Duration `key:"give_up" default:"1h" min:"0s" max:"168h" doc:"How long an event is tried to be delivered, ever less often, before the next one has its turn."`
}

// Speech configures hearing.
type Speech struct {
	Recognition Recognition `key:"recognition"`
	Endpointing Endpointing `key:"endpointing"`
	VAD         VAD         `key:"vad"`
	Writing     Writing     `key:"writing"`
	Roles       Roles       `key:"roles"`
	Speakers    Speakers    `key:"speakers"`
}

// Speakers configures how voices are told apart.
type Speakers struct {
	Model string `key:"model" default:"" doc:"Id of the speaker embedding. Empty: the best one available, in the catalogue's order. none: voices are not told apart."`
	Max   int    `key:"max" default:"10" min:"1" max:"64" doc:"How many people are told apart in one stream at most; who comes after that is taken for whom they resemble most."`
}

// Recognition configures how speech is written down.
type Recognition struct {
	Model          string   `key:"model" default:"" doc:"Id of the recogniser. Empty: the best one available, in the catalogue's order. none: speech is found and not written down."`
	LanguageModel  string   `key:"language_model" default:"" doc:"Id of the language model that the decoder asks. Empty: the best one available, in the catalogue's order. none: no language model."`
	LanguageModels []string `key:"language_models" default:"" doc:"Files of further language models, such as 'courtsense lm train' writes from a court's own texts. All are interpolated, with equal weights."`
	LanguageWeight float64  `key:"language_weight" default:"0" min:"0" max:"5" doc:"What the language model's natural log-probabilities are multiplied with; 0: the decoder's own value for the kind of recogniser."`
	Beam           int      `key:"beam" default:"0" min:"0" max:"1000" doc:"Readings that are kept at a time; 0: the decoder's own value. More are slower and slightly more accurate."`
	SecondPass     bool     `key:"second_pass" default:"true" doc:"Whether a finished segment is decoded once more with a wider beam before its final result."`
	Rescore        bool     `key:"rescore" default:"false" doc:"Whether the second pass weighs its best readings by the neural language model that corrects documents. On everyday sentences it made results worse (docs/accuracy.md); it may help where a model was adapted to a court's texts."`
	Enhancement    string   `key:"enhancement" default:"" doc:"Id of the model that suppresses noise for requests that ask for it. Empty: the best one available, else libspeexdsp. none: libspeexdsp."`
	HotWordWeight  float64  `key:"hot_word_weight" default:"0" min:"0" max:"10" doc:"Weight of hot words that come without one: natural logarithm per token; 0: the decoder's own value."`
	LegalTerms     bool     `key:"legal_terms" default:"false" doc:"Whether the built-in list of about 3,400 legal terms is added to the hot words of every request. It helps recognisers whose language model knows no law; the built-in one knows it."`
	HotWordsFile   string   `key:"hot_words_file" default:"" doc:"File of hot words, one a line, with its weight after a tab if it has one; they are added to those of every request. Lines that begin with # are left out. Read at the start."`
}

// Records configures the records of hearings.
type Records struct {
	Dir       string `key:"dir" default:"" doc:"Folder that holds the records, a folder each, which only the server's user may enter. Empty: $XDG_DATA_HOME/courtsense/records or ~/.local/share/courtsense/records. none: no records are kept."`
	KeepAudio bool   `key:"keep_audio" default:"true" doc:"Whether the sound of a hearing is kept beside its turns, unchanged, 16-bit at 16 kHz: 115 MB an hour and channel. Without it a stream that broke off goes on from the last finished turn."`
}

// Writing configures what final results are made of what was recognised.
type Writing struct {
	Punctuation string `key:"punctuation" default:"" doc:"Id of the model that puts punctuation. Empty: the best one available, in the catalogue's order. none: no punctuation."`
	Amounts     string `key:"amounts" default:"short" oneof:"short|grouped|plain" doc:"How amounts and counts from ten thousand on are written: 3.5万元, 35,000元 or 35000元."`
	Statutes    string `key:"statutes" default:"" doc:"File of the statute index, as 'courtsense statutes import' writes it; read at the start. Empty: $XDG_DATA_HOME/courtsense/statutes.idx or ~/.local/share/courtsense/statutes.idx, where it is there. none: no index."`
}

// Roles configures how it is told who speaks.
type Roles struct {
	Crosstalk string `key:"crosstalk" default:"seats" oneof:"seats|always|never" doc:"Where speech that leaks from one channel's microphone into another one's is silenced, when the request does not say: seats: where the request gives channels roles; always: in all sound of several channels. Results come 0.1 s later."`
	Cues      string `key:"cues" default:"" doc:"File of phrases that give away who speaks, in place of the built-in ones, which speech/role/cues.txt lists and explains; read at the start. They count where speakers of one channel are told apart."`
}

// Endpointing configures the rules that end an utterance beside voice activity.
type Endpointing struct {
	SilenceWithoutText Duration `key:"silence_without_text" default:"2.4s" min:"0s" max:"1m" doc:"An utterance ends when nothing was recognised in it for so long; 0s: never for that."`
	SilenceAfterText   Duration `key:"silence_after_text" default:"1.2s" min:"0s" max:"1m" doc:"An utterance ends when so long no character came after the last one, though voice activity goes on; 0s: never for that."`
	MaxUtterance       Duration `key:"max_utterance" default:"20s" min:"0s" max:"1m" doc:"An utterance of this length is ended at the longest pause in its second half; 0s: only speech.vad.max_segment counts."`
}

// VAD configures voice activity detection.
type VAD struct {
	Model           string   `key:"model" default:"" doc:"Id of the voice activity model. Empty: the best one available, in the catalogue's order."`
	Threshold       float64  `key:"threshold" default:"0" min:"0" max:"0.99" doc:"Speech probability at which a segment starts when the request does not say; 0: the model's own thresholds in the catalogue."`
	MinSpeech       Duration `key:"min_speech" default:"96ms" min:"0s" max:"10s" doc:"Shortest reported segment."`
	MinSilence      Duration `key:"min_silence" default:"500ms" min:"10ms" max:"10s" doc:"Silence that ends a segment."`
	Padding         Duration `key:"padding" default:"250ms" min:"0s" max:"2s" doc:"Sound kept before and after a segment."`
	MaxSegment      Duration `key:"max_segment" default:"30s" min:"1s" max:"10m" doc:"Longest segment; longer speech is cut where it is least likely to be speech."`
	InterimInterval Duration `key:"interim_interval" default:"300ms" min:"100ms" max:"10s" doc:"How often an interim result is sent while somebody speaks, when the request asks for them."`
}

// Telemetry configures what the server tells its operator.
type Telemetry struct {
	Log     Log     `key:"log"`
	Trace   Trace   `key:"trace"`
	Metrics Metrics `key:"metrics"`
}

// Log configures the log on standard error.
type Log struct {
	Level       string `key:"level" default:"info" oneof:"debug|info|warn|error" doc:"Lowest level that is logged."`
	Format      string `key:"format" default:"json" oneof:"json|text" doc:"One JSON object a line, or key=value text."`
	PeerAddress bool   `key:"peer_address" default:"false" doc:"Whether a call's log line has the client's IP address, which is personal data in many jurisdictions."`
}

// Trace configures OpenTelemetry tracing.
type Trace struct {
	Endpoint    string  `key:"endpoint" default:"" check:"hostport-or-empty" doc:"OTLP gRPC collector, host:port. Empty: no traces are made or sent."`
	Insecure    bool    `key:"insecure" default:"false" doc:"Whether the collector is spoken to without TLS."`
	SampleRatio float64 `key:"sample_ratio" default:"1" min:"0" max:"1" doc:"Share of calls traced, unless the caller's trace already decided."`
}

// Metrics configures the Prometheus endpoint.
type Metrics struct {
	Enabled bool `key:"enabled" default:"true" doc:"Whether /metrics answers on the HTTP port."`
}

// Admin configures who may call ModelService and the diagnostic services.
type Admin struct {
	TokenFile string `key:"token_file" default:"" doc:"File with the bearer token (at least 16 characters) that administration calls must carry. Empty: administration calls are accepted from this machine only. Read again when it changes."`
}
