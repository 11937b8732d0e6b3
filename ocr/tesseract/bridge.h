// The part of Tesseract's C++ interface that gosseract lacks: recognition that can be cancelled, and all results in one
// pass over the iterator. (gosseract recognises the page again for every level that is asked for, and never frees the
// texts and iterators.)
#ifndef COURTSENSE_TESSERACT_BRIDGE_H
#define COURTSENSE_TESSERACT_BRIDGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Text is UTF-8 at [text, text+length) of cs_page.text. Boxes are pixels, right and bottom exclusive. Confidences are
// Tesseract's, 0..100.
typedef struct {
    int32_t text, length;
    float confidence;
} cs_candidate;

typedef struct {
    int32_t left, top, right, bottom;
    float confidence;
    int32_t text, length;
    int32_t word;
    int32_t first_candidate, candidates;
} cs_symbol;

typedef struct {
    int32_t left, top, right, bottom;
    float confidence;
    int32_t line;
} cs_word;

typedef struct {
    int32_t left, top, right, bottom;
    float confidence;
} cs_line;

typedef struct {
    cs_line *lines;
    cs_word *words;
    cs_symbol *symbols;
    cs_candidate *candidates;
    char *text;
    int32_t line_count, word_count, symbol_count, candidate_count, text_length;
    void *storage;
} cs_page;

enum { CS_OK = 0, CS_CANCELED = 1, CS_FAILED = 2, CS_OUT_OF_MEMORY = 3 };

// Keeps OpenMP from starting threads in regions that the calling thread enters.
void cs_single_thread(void);

// Keeps Leptonica from commenting on odd pictures on stderr. For the whole process.
void cs_silence(void);

// Copies one picture of width*height*3 bytes (B, G, R) into the instance. dpi 0 is unknown. On failure error holds a message.
int cs_set_picture(void *api, const uint8_t *bgr, int width, int height, int dpi, char *error, int error_size);

// Reads the picture. *cancel may be set from any thread. On CS_OK the page must be freed; on anything else it is untouched
// and error holds a message. The picture is forgotten in all cases.
int cs_recognize(void *api, int max_candidates, int32_t *cancel, cs_page *page, char *error, int error_size);

void cs_page_free(cs_page *page);

#ifdef __cplusplus
}
#endif

#endif
