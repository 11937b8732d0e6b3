#include "bridge.h"

#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <leptonica/allheaders.h>
#include <omp.h>
#include <tesseract/baseapi.h>
#include <tesseract/ocrclass.h>
#include <tesseract/resultiterator.h>

// Tesseract 4 declares ETEXT_DESC globally, 5 in its namespace.
using namespace tesseract;

namespace {

struct Storage {
    std::vector<cs_line> lines;
    std::vector<cs_word> words;
    std::vector<cs_symbol> symbols;
    std::vector<cs_candidate> candidates;
    std::string text;
};

struct PixOwner {
    Pix *pix;
    ~PixOwner() { pixDestroy(&pix); }
};

struct ClearOnExit {
    TessBaseAPI *api;
    ~ClearOnExit() { api->Clear(); }
};

bool canceled(void *flag, int) { return __atomic_load_n(static_cast<int32_t *>(flag), __ATOMIC_RELAXED) != 0; }

// Leptonica keeps 32-bit pixels as 0xRRGGBBAA in host order.
Pix *from_bgr(const uint8_t *bgr, int width, int height) {
    Pix *pix = pixCreateNoInit(width, height, 32);
    if (pix == nullptr) throw std::bad_alloc();
    l_uint32 *row = pixGetData(pix);
    const int stride = pixGetWpl(pix);
    for (int y = 0; y < height; y++, row += stride) {
        for (int x = 0; x < width; x++, bgr += 3) {
            row[x] = l_uint32(bgr[2]) << 24 | l_uint32(bgr[1]) << 16 | l_uint32(bgr[0]) << 8 | 0xff;
        }
    }
    return pix;
}

void append_text(std::string &arena, const char *s, int32_t *at, int32_t *length) {
    *at = int32_t(arena.size());
    if (s != nullptr) arena.append(s);
    *length = int32_t(arena.size()) - *at;
}

template <typename T>
T boxed(const ResultIterator &it, PageIteratorLevel level) {
    T t{};
    int left = 0, top = 0, right = 0, bottom = 0;
    it.BoundingBox(level, &left, &top, &right, &bottom);
    t.left = left, t.top = top, t.right = right, t.bottom = bottom;
    t.confidence = it.Confidence(level);
    return t;
}

void collect(ResultIterator &it, int max_candidates, Storage &out) {
    do {
        if (it.Empty(RIL_SYMBOL)) continue;
        if (it.IsAtBeginningOf(RIL_TEXTLINE) || out.lines.empty()) {
            out.lines.push_back(boxed<cs_line>(it, RIL_TEXTLINE));
        }
        if (it.IsAtBeginningOf(RIL_WORD) || out.words.empty()) {
            cs_word word = boxed<cs_word>(it, RIL_WORD);
            word.line = int32_t(out.lines.size()) - 1;
            out.words.push_back(word);
        }
        // Pictures and rules on the page come as words of one blank.
        std::unique_ptr<char[]> text(it.GetUTF8Text(RIL_SYMBOL));
        if (text == nullptr || text[0] == '\0' || text[0] == ' ') continue;
        cs_symbol symbol = boxed<cs_symbol>(it, RIL_SYMBOL);
        symbol.word = int32_t(out.words.size()) - 1;
        append_text(out.text, text.get(), &symbol.text, &symbol.length);
        symbol.first_candidate = int32_t(out.candidates.size());
        if (max_candidates > 0) {
            ChoiceIterator choice(it);
            do {
                const char *s = choice.GetUTF8Text();  // owned by the iterator
                if (s == nullptr || s[0] == '\0') continue;
                cs_candidate candidate{};
                append_text(out.text, s, &candidate.text, &candidate.length);
                candidate.confidence = choice.Confidence();
                out.candidates.push_back(candidate);
                symbol.candidates++;
            } while (symbol.candidates < max_candidates && choice.Next());
        }
        out.symbols.push_back(symbol);
    } while (it.Next(RIL_SYMBOL));
}

int set_picture(TessBaseAPI *api, const uint8_t *bgr, int width, int height, int dpi) {
    PixOwner picture{from_bgr(bgr, width, height)};
    api->SetImage(picture.pix);  // copies
    if (dpi > 0) api->SetSourceResolution(dpi);
    return CS_OK;
}

int recognize(TessBaseAPI *api, int max_candidates, int32_t *cancel, cs_page *page, char *error, int error_size) {
    ClearOnExit clear{api};
    ETEXT_DESC monitor;
    monitor.cancel = canceled;
    monitor.cancel_this = cancel;
    const int status = api->Recognize(&monitor);
    if (canceled(cancel, 0)) return CS_CANCELED;
    if (status != 0) {
        snprintf(error, error_size, "recognition failed with status %d", status);
        return CS_FAILED;
    }
    std::unique_ptr<Storage> out(new Storage);
    std::unique_ptr<ResultIterator> it(api->GetIterator());
    if (it != nullptr) collect(*it, max_candidates, *out);

    page->lines = out->lines.data(), page->line_count = int32_t(out->lines.size());
    page->words = out->words.data(), page->word_count = int32_t(out->words.size());
    page->symbols = out->symbols.data(), page->symbol_count = int32_t(out->symbols.size());
    page->candidates = out->candidates.data(), page->candidate_count = int32_t(out->candidates.size());
    page->text = &out->text[0], page->text_length = int32_t(out->text.size());
    page->storage = out.release();
    return CS_OK;
}

// No C++ exception may cross into Go: it would end the process.
template <typename F>
int guarded(char *error, int error_size, F run) {
    try {
        return run();
    } catch (const std::bad_alloc &) {
        snprintf(error, error_size, "out of memory");
        return CS_OUT_OF_MEMORY;
    } catch (const std::exception &e) {
        snprintf(error, error_size, "%s", e.what());
        return CS_FAILED;
    } catch (...) {
        snprintf(error, error_size, "unknown C++ exception");
        return CS_FAILED;
    }
}

}  // namespace

void cs_single_thread(void) {
    omp_set_max_active_levels(0);
    omp_set_num_threads(1);
}

void cs_silence(void) { setMsgSeverity(L_SEVERITY_NONE); }

int cs_set_picture(void *api, const uint8_t *bgr, int width, int height, int dpi, char *error, int error_size) {
    return guarded(error, error_size, [&] { return set_picture(static_cast<TessBaseAPI *>(api), bgr, width, height, dpi); });
}

int cs_recognize(void *api, int max_candidates, int32_t *cancel, cs_page *page, char *error, int error_size) {
    return guarded(error, error_size, [&] {
        return recognize(static_cast<TessBaseAPI *>(api), max_candidates, cancel, page, error, error_size);
    });
}

void cs_page_free(cs_page *page) {
    delete static_cast<Storage *>(page->storage);
    *page = cs_page{};
}
