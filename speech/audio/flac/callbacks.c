#include <FLAC/stream_decoder.h>
#include <stdint.h>
#include "_cgo_export.h"

/* The exported Go functions lack the const qualifiers of the library's types, so thin wrappers add them. */

static FLAC__StreamDecoderWriteStatus write_frame(const FLAC__StreamDecoder *d, const FLAC__Frame *frame,
                                                  const FLAC__int32 *const buffer[], void *client) {
	return courtsenseFLACWrite((FLAC__StreamDecoder *)d, (FLAC__Frame *)frame, (FLAC__int32 **)buffer, client);
}

static FLAC__StreamDecoderReadStatus read_bytes(const FLAC__StreamDecoder *d, FLAC__byte buffer[], size_t *bytes, void *client) {
	return courtsenseFLACRead((FLAC__StreamDecoder *)d, buffer, bytes, client);
}

static FLAC__StreamDecoderTellStatus tell(const FLAC__StreamDecoder *d, FLAC__uint64 *offset, void *client) {
	return courtsenseFLACTell((FLAC__StreamDecoder *)d, offset, client);
}

static void metadata(const FLAC__StreamDecoder *d, const FLAC__StreamMetadata *m, void *client) {
	(void)d;
	if (m->type == FLAC__METADATA_TYPE_STREAMINFO) {
		const FLAC__StreamMetadata_StreamInfo *s = &m->data.stream_info;
		courtsenseFLACMetadata(s->sample_rate, s->channels, s->bits_per_sample, s->total_samples, client);
	}
}

static void error(const FLAC__StreamDecoder *d, FLAC__StreamDecoderErrorStatus status, void *client) {
	courtsenseFLACError((FLAC__StreamDecoder *)d, status, client);
}

FLAC__StreamDecoder *courtsense_flac_open(uintptr_t handle, FLAC__StreamDecoderInitStatus *status) {
	FLAC__StreamDecoder *d = FLAC__stream_decoder_new();
	if (d == NULL) return NULL;
	*status = FLAC__stream_decoder_init_stream(d, read_bytes, NULL, tell, NULL, NULL, write_frame, metadata, error, (void *)handle);
	if (*status != FLAC__STREAM_DECODER_INIT_STATUS_OK) {
		FLAC__stream_decoder_delete(d);
		return NULL;
	}
	return d;
}
