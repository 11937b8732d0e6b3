// Trains the punctuator's table of evidence: a multinomial logistic regression over what is found around each place between two words (words, their
// kinds and groups, the marks before), by stochastic gradient descent with AdaGrad's rates, leaving out a share of what is found at each step.
//
//   cc -O3 -march=native -ffast-math -o WORK/punctuate/evidence evidence.c -lm     (evidence.py does both)
//   WORK/punctuate/evidence FOLDER OUT EPOCHS RATE DROP LEAST ROWS
//
// FOLDER has KIND.bin and dev.bin as evidence.py writes them, and groups.bin. What was found fewer than LEAST times is left out; after the first
// epoch only the ROWS rows stay that weigh most, and the others are trained on. The format of OUT, and what the templates mean, are written down beside
// the code that reads them (speech/punctuate/evidence.go and around.go): the numbers of templates and the hash are the same there.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 8, KEY_BITS = 27, KEYS = 1 << KEY_BITS, MOST = 400, NUMERAL = 16, SETS = 5 };
static const char *KINDS[SETS] = {"cases", "judicial", "conversation", "news", "statutes"};
static const int PERCENT[SETS] = {100, 100, 100, 100, 10};  // of the paragraphs that an epoch sees

typedef struct {
    int words, paragraphs;
    int *word, *first, *last, *kind, *length, *start;
    signed char *mark;
} Texts;

static int *groups;       // [words][2]
static int *row_of;       // [KEYS], 0 for none
static unsigned char *found;  // [KEYS], how often, at most 255
static int rows;
static float *weights, *squares;

static void need(int ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

static Texts load(const char *folder, const char *kind) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.bin", folder, kind);
    FILE *f = fopen(path, "rb");
    need(f != NULL, path);
    Texts t;
    int size[2];
    need(fread(size, 4, 2, f) == 2, path);
    t.words = size[0], t.paragraphs = size[1];
    int **fields[4] = {&t.word, &t.first, &t.last, &t.kind};
    for (int i = 0; i < 4; i++) {
        *fields[i] = malloc(4 * (size_t)t.words);
        need(fread(*fields[i], 4, t.words, f) == (size_t)t.words, path);
    }
    t.mark = malloc(t.words);
    need(fread(t.mark, 1, t.words, f) == (size_t)t.words, path);
    t.length = malloc(4 * (size_t)t.paragraphs);
    need(fread(t.length, 4, t.paragraphs, f) == (size_t)t.paragraphs, path);
    t.start = malloc(4 * (size_t)t.paragraphs);
    for (int i = 0, at = 0; i < t.paragraphs; at += t.length[i++]) t.start[i] = at;
    fclose(f);
    return t;
}

static inline uint32_t key_of(uint32_t kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    uint64_t x = kind * 0x9E3779B97F4A7C15ull + a;
    x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9ull + b;
    x = (x ^ (x >> 31)) * 0x94D049BB133111EBull + c;
    x = (x ^ (x >> 30)) * 0x9E3779B97F4A7C15ull + d;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93ull;
    x ^= x >> 32;
    return (uint32_t)x & (KEYS - 1);
}

#define F(t, a, b, c, d) out[n++] = key_of(t, (uint64_t)((a) + 7), (uint64_t)((b) + 7), (uint64_t)((c) + 7), (uint64_t)((d) + 7))
#define AT(j) (i + (j) >= 0 && i + (j) < length ? begin + i + (j) : -1)

static inline int class_of(const Texts *t, int x) { return t->kind[x] / 8; }
static inline int identity(const Texts *t, int x) { return class_of(t, x) == NUMERAL ? -9 : t->word[x] ? t->word[x] : 100000 + t->first[x]; }
static inline int group(const Texts *t, int x, int which) {
    return class_of(t, x) == NUMERAL ? 900 : t->word[x] ? groups[2 * t->word[x] + which] : 600 + class_of(t, x);
}
static inline int steps(int n, int first, int a, int b, int c, int d) { return n < first ? n : first + (n > a) + (n > b) + (n > c) + (n > d); }

static int groups_around(const Texts *t, int begin, int length, int i, uint32_t *out, int n) {
    int fine[8], coarse[8];
    for (int j = -3; j <= 4; j++) {
        int x = AT(j);
        fine[j + 3] = x < 0 ? (j > 0 ? -2 : -1) : group(t, x, 0);
        coarse[j + 3] = x < 0 ? (j > 0 ? -2 : -1) : group(t, x, 1);
    }
#define g(j) fine[(j) + 3]
#define h(j) coarse[(j) + 3]
    int w0 = identity(t, begin + i), w1 = i + 1 < length ? identity(t, begin + i + 1) : -2, first = identity(t, begin);
    for (int j = -3; j <= 4; j++) {
        F(220+j+3, g(j), 0, 0, 0);
    }
    for (int j = -2; j <= 2; j++) {
        F(230+j+3, g(j), g(j+1), 0, 0);
    }
    for (int j = -2; j <= 1; j++) {
        F(240+j+3, g(j), g(j+1), g(j+2), 0);
    }
    for (int j = -3; j <= 3; j++) {
        F(250+j+3, h(j), h(j+1), 0, 0);
    }
    for (int j = -3; j <= 2; j++) {
        F(260+j+3, h(j), h(j+1), h(j+2), 0);
    }
    F(270, h(-1), h(0), h(1), h(2));
    F(271, h(-2), h(-1), h(0), h(1));
    F(272, h(0), h(1), h(2), h(3));
    F(273, h(-2)*1024+h(-1), h(0), h(1), h(2));
    F(274, h(-1)*1024+h(0), h(1), h(2), h(3));
    F(275, w0, h(1), 0, 0);
    F(276, h(0), w1, 0, 0);
    F(277, w0, h(1), h(2), 0);
    F(278, h(-1), h(0), w1, 0);
    F(279, w0, h(1), h(2), h(3));
    F(280, h(-2), h(-1), h(0), w1);
    F(281, g(0), h(1), h(2), 0);
    F(282, h(-1), h(0), g(1), 0);
    F(283, h(-1), g(0), g(1), h(2));
    F(284, w0, g(1), 0, 0);
    F(285, g(0), w1, 0, 0);
    // How a paragraph begins tells what it is.
    F(286, first, w1, 0, 0);
    F(287, first, w0, 0, 0);
    F(288, first, h(0), h(1), 0);
    return n;
#undef g
#undef h
}

static int again(const Texts *t, int begin, int length, int i, int word, int from, int step) {
    for (int j = from; j * step <= 9; j += step) {
        int x = AT(j);
        if (x < 0) break;
        if (word && t->word[x] == word) return j * step;
    }
    return 0;
}

static int around(const Texts *t, int begin, int length, int i, uint32_t *out) {
    int n = 0, words[10], kinds[10];
    for (int j = -4; j <= 5; j++) {
        int x = AT(j);
        words[j + 4] = x < 0 ? (j > 0 ? -2 : -1) : identity(t, x);
        kinds[j + 4] = x < 0 ? (j > 0 ? -2 : -1) : class_of(t, x);
    }
#define w(j) words[(j) + 4]
#define k(j) kinds[(j) + 4]
    F(0, 0, 0, 0, 0);
    for (int j = -4; j <= 5; j++) {
        F(1+j+4, w(j), 0, 0, 0);
    }
    for (int j = -4; j <= 4; j++) {
        F(20+j+4, w(j), w(j+1), 0, 0);
    }
    for (int j = -3; j <= 3; j++) {
        F(40+j+4, w(j), w(j+1), w(j+2), 0);
    }
    for (int j = -3; j <= 1; j++) {
        F(50+j+4, w(j), w(j+1), w(j+2), w(j+3));
    }
    F(60, w(-1), w(1), 0, 0);
    F(61, w(0), w(2), 0, 0);
    F(62, w(-1), w(2), 0, 0);
    F(63, w(0), w(3), 0, 0);
    F(64, w(-2), w(0), w(1), 0);
    F(65, w(0), w(1), w(3), 0);
    for (int j = -3; j <= 4; j++) {
        F(70+j+4, k(j), 0, 0, 0);
    }
    for (int j = -3; j <= 3; j++) {
        F(80+j+4, k(j), k(j+1), 0, 0);
    }
    for (int j = -3; j <= 3; j++) {
        F(90+j+4, k(j), k(j+1), k(j+2), 0);
    }
    F(100, k(-1), k(0), k(1), k(2));
    F(101, k(-2), k(-1), k(0), k(1));
    F(102, k(0), k(1), k(2), k(3));
    F(103, k(-2)*64+k(-1), k(0), k(1), k(2));
    F(104, k(-2)*64+k(-1), k(0), k(1)*64+k(2), k(3));
    F(105, k(-3)*64+k(-2), k(-1)*64+k(0), k(1)*64+k(2), k(3)*64+k(4));
    F(110, w(0), k(1), 0, 0);
    F(111, k(0), w(1), 0, 0);
    F(112, w(0), k(1), k(2), 0);
    F(113, k(-1), k(0), w(1), 0);
    F(114, w(0), w(1), k(2), 0);
    F(115, k(-1), w(0), w(1), 0);
    F(116, k(-1), w(0), k(1), 0);
    F(117, k(0), w(1), k(2), 0);
    F(118, w(0), k(1), k(2), k(3));
    F(119, k(-2), k(-1), k(0), w(1));
    F(120, k(-2), k(-1), w(0), k(1));
    F(121, k(0), w(1), k(2), k(3));
    F(122, k(-1), k(0), w(1), k(2));
    F(123, k(-1), w(0), k(1), k(2));
    int x = begin + i, y = AT(1), r0 = again(t, begin, length, i, t->word[x], 2, 1), b0 = again(t, begin, length, i, t->word[x], -1, -1), r1 = 0, b1 = 0;
    F(130, t->first[x], 0, 0, 0);
    F(132, t->last[x], 0, 0, 0);
    F(134, t->kind[x], 0, 0, 0);
    if (y >= 0) {
        F(131, t->first[y], 0, 0, 0);
        F(133, t->last[y], 0, 0, 0);
        F(135, t->kind[y], 0, 0, 0);
        F(136, t->last[x], t->first[y], 0, 0);
        F(137, t->kind[x], t->kind[y], 0, 0);
        F(138, t->last[x], t->kind[y], 0, 0);
        F(139, t->kind[x], t->first[y], 0, 0);
        r1 = again(t, begin, length, i, t->word[y], 2, 1), b1 = again(t, begin, length, i, t->word[y], -1, -1);
    }
    F(140, r0, k(0), 0, 0);
    F(141, r1, k(1), 0, 0);
    F(142, b0, k(0), 0, 0);
    F(143, b1, k(1), 0, 0);
    F(144, r0, b0, k(0), k(1));
    F(145, r1, b1, k(0), k(1));
    F(146, w(1), r1, b1, 0);
    F(147, w(0), r0, b0, 0);
    int from = steps(i, 8, 15, 30, length, length), to = steps(length - 1 - i, 8, 15, length, length, length);
    F(150, from, 0, 0, 0);
    F(151, to, 0, 0, 0);
    F(152, from, w(0), 0, 0);
    F(153, to, w(1), 0, 0);
    F(154, from, w(1), 0, 0);
    for (int j = 4; j <= 12; j++) {
        int ahead = AT(j), back = AT(-j);
        if (ahead >= 0 && t->word[ahead]) F(160, t->word[ahead], 0, 0, 0);
        if (back >= 0 && t->word[back]) F(161, t->word[back], 0, 0, 0);
    }
    return groups_around(t, begin, length, i, out, n);
#undef w
#undef k
}

static int history(const Texts *t, int begin, int length, int i, const signed char *marks, uint32_t *out, int n) {
    int last = -1, end = -1, commas = 0, count = 0, m[3] = {8, 8, 8};
    for (int j = i - 1; j >= 0 && j >= i - 80; j--) {
        if (marks[j] <= 0) continue;
        if (count == 0) last = j;
        if (count < 3) m[count] = marks[j];
        count++;
        if (marks[j] >= 2 && marks[j] <= 4) {
            end = j;
            break;
        }
        commas += marks[j] == 1;
    }
    int x = begin + i, next = i + 1 < length, far = i - end, d = i - last < 8 ? i - last : 8 + (i - last > 10) + (i - last > 14) + (i - last > 20) + (i - last > 30);
    far = far < 30 ? far / 5 : 6 + (far > 40) + (far > 60) + (far > 90);
    if (commas > 5) commas = 5;
    int w0 = identity(t, x), k0 = class_of(t, x), w1 = next ? identity(t, x + 1) : -2, k1 = next ? class_of(t, x + 1) : -2;
    int g0 = group(t, x, 0), h0 = group(t, x, 1), g1 = next ? group(t, x + 1, 0) : -2, h1 = next ? group(t, x + 1, 1) : -2;
    int clause = identity(t, begin + last + 1), first = identity(t, begin + end + 1), start = identity(t, begin);
    int before = last >= 0 ? identity(t, begin + last) : -1, beforeGroup = last >= 0 ? group(t, begin + last, 0) : -1;
    int clauseFine = group(t, begin + last + 1, 0), clauseCoarse = group(t, begin + last + 1, 1), behind = 9, ahead = 9, between = 9, same = 9;
    for (int j = i - 1; j >= 0 && j >= i - 60; j--) {
        int y = begin + j;
        if (behind == 9 && t->word[y] && t->word[y] == t->word[x]) behind = marks[j];
        if (between == 9 && class_of(t, y) == k0 && class_of(t, y + 1) == k1) between = marks[j];
        if (same == 9 && group(t, y, 1) == h0 && group(t, y + 1, 1) == h1) same = marks[j];
    }
    if (next && t->word[x + 1])
        for (int j = i; j >= 0 && j >= i - 60; j--)
            if (t->word[begin + j] == t->word[x + 1]) {
                ahead = j ? marks[j - 1] : 8;
                break;
            }
    F(300, m[0], g0, 0, 0);
    F(301, m[0], g1, 0, 0);
    F(302, m[0], h0, h1, 0);
    F(303, m[0], d, h0, h1);
    F(304, clauseCoarse, h0, h1, 0);
    F(305, clauseFine, g1, 0, 0);
    F(306, clauseFine, w0, 0, 0);
    F(307, m[0], m[1], h0, h1);
    F(308, beforeGroup, g0, 0, 0);
    F(309, commas, h0, h1, 0);
    F(310, same, h0, h1, 0);
    F(311, same, m[0], 0, 0);
    F(312, clauseFine, m[0], g1, 0);
    F(313, start, m[0], h1, 0);
    F(314, beforeGroup, g1, 0, 0);
    F(315, clauseFine, g0, 0, 0);
    F(316, clauseCoarse, m[0], h0, h1);
    F(317, clauseFine, g0, g1, 0);
    F(318, m[0], m[1], g1, 0);
    F(170, m[0], 0, 0, 0);
    F(171, m[0], m[1], 0, 0);
    F(172, m[0], d, 0, 0);
    F(173, m[0], w0, 0, 0);
    F(174, m[0], w1, 0, 0);
    F(175, clause, w0, 0, 0);
    F(176, clause, w1, 0, 0);
    F(177, m[0], clause, 0, 0);
    F(178, clause, d, 0, 0);
    F(179, m[0], k0, k1, 0);
    F(180, m[0], m[1], w1, 0);
    F(181, far, w1, 0, 0);
    F(182, commas, w1, 0, 0);
    F(183, behind, k0, k1, 0);
    F(184, behind, w0, 0, 0);
    F(185, ahead, w1, 0, 0);
    F(186, ahead, behind, between, 0);
    F(187, ahead, k0, k1, 0);
    F(188, m[0], w0, w1, 0);
    F(189, m[0], m[1], k0, k1);
    F(190, m[0], d, k0, k1);
    F(191, commas, m[0], 0, 0);
    F(192, far, m[0], 0, 0);
    F(193, commas, k0, w1, 0);
    F(194, m[0], m[1], m[2], 0);
    F(195, first, w1, 0, 0);
    F(196, first, m[0], 0, 0);
    F(197, before, w0, 0, 0);
    F(198, before, w1, 0, 0);
    F(199, m[0], w0, k1, 0);
    F(200, between, k0, k1, 0);
    F(201, between, m[0], 0, 0);
    F(202, behind, ahead, w1, 0);
    F(203, behind, w0, w1, 0);
    F(204, clause, w0, w1, 0);
    F(205, m[0], m[1], m[2], w1);
    F(206, first, w0, 0, 0);
    F(207, d, w0, w1, 0);
    F(208, d, k0, k1, 0);
    return n;
}

// What is found at a place and has a row.
static int rows_at(const Texts *t, int begin, int length, int i, const signed char *marks, uint32_t *out) {
    int n = history(t, begin, length, i, marks, out, around(t, begin, length, i, out)), kept = 0;
    for (int j = 0; j < n; j++)
        if (row_of[out[j]]) out[kept++] = row_of[out[j]];
    return kept;
}

static void probabilities(const uint32_t *at, int n, float scale, float *y) {
    memset(y, 0, CLASSES * sizeof *y);
    for (int j = 0; j < n; j++)
        for (int c = 0; c < CLASSES; c++) y[c] += weights[(size_t)at[j] * CLASSES + c];
    float top = -1e9, sum = 0;
    for (int c = 0; c < CLASSES; c++)
        if (y[c] * scale > top) top = y[c] * scale;
    for (int c = 0; c < CLASSES; c++) sum += y[c] = expf(y[c] * scale - top);
    for (int c = 0; c < CLASSES; c++) y[c] /= sum;
}

static uint64_t state = 88172645463325252ull;
static inline uint32_t draw(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state >> 32;
}

static int falling(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

// Keeps the rows that weigh most, in four bits a value, and writes them.
static void keep(const char *path, int most) {
    float *use = calloc(rows, sizeof *use), *sorted = malloc(rows * sizeof *sorted);
    for (uint32_t key = 0; key < KEYS; key++) {
        if (!row_of[key]) continue;
        float *w = weights + (size_t)row_of[key] * CLASSES, mean = 0, norm = 0;
        for (int c = 0; c < CLASSES; c++) mean += w[c] / CLASSES;
        for (int c = 0; c < CLASSES; c++) w[c] -= mean, norm += w[c] * w[c];
        use[row_of[key]] = norm * (found[key] < 255 ? found[key] : 600);
    }
    memcpy(sorted, use, rows * sizeof *use);
    qsort(sorted, rows, sizeof *sorted, falling);
    float least = most < rows ? sorted[most] : 0;
    uint32_t count = 0, last = 0;
    for (int r = 1; r < rows; r++) count += use[r] > least;
    FILE *f = fopen(path, "wb");
    need(f != NULL, path);
    fwrite("PEV2", 1, 4, f);
    fwrite(&count, 4, 1, f);
    for (uint32_t key = 0; key < KEYS; key++) {
        if (!row_of[key]) continue;
        float *w = weights + (size_t)row_of[key] * CLASSES, top = 0;
        if (!(use[row_of[key]] > least)) {
            row_of[key] = 0;
            continue;
        }
        for (int c = 0; c < CLASSES; c++) top = fmaxf(top, fabsf(w[c]));
        int q = (int)floorf(-4 * log2f(top / 8));
        q = q < 0 ? 0 : q > 80 ? 80 : q;
        float unit = 8 * exp2f(-q / 4.f) / 7;
        uint32_t gap = key - last;
        for (last = key; gap >= 128; gap >>= 7) fputc((gap & 127) | 128, f);
        fputc(gap, f);
        fputc(q, f);
        for (int c = 0, half = 0; c < CLASSES; c++) {
            int v = (int)lroundf(w[c] / unit);
            v = v < -7 ? -7 : v > 7 ? 7 : v;
            w[c] = v * unit;
            if (c & 1)
                fputc(half | (v + 8) << 4, f);
            else
                half = v + 8;
        }
    }
    printf(" kept %u of %d rows, %ld bytes;", count, rows - 1, ftell(f));
    need(fclose(f) == 0, path);
    free(use), free(sorted);
}

// F1 of all marks, put from left to right where any is likelier than .36, each by the marks put before.
static double development(const Texts *t) {
    uint32_t at[MOST];
    float y[CLASSES];
    long put = 0, wanted = 0, right = 0;
    signed char *marks = malloc(t->words);
    for (int p = 0; p < t->paragraphs; p++)
        for (int i = 0, begin = t->start[p]; i < t->length[p]; i++) {
            probabilities(at, rows_at(t, begin, t->length[p], i, marks + begin, at), 1, y);
            int best = 1, want = t->mark[begin + i];
            for (int c = 2; c < CLASSES; c++)
                if (y[c] > y[best]) best = c;
            int got = marks[begin + i] = 1 - y[0] > .36f ? best : 0;
            if (want >= 0) put += got > 0, wanted += want > 0, right += got > 0 && got == want;
        }
    free(marks);
    return 2. * right / (put + wanted);
}

int main(int argc, char **argv) {
    need(argc == 8, "evidence FOLDER OUT EPOCHS RATE DROP LEAST ROWS");
    const char *folder = argv[1], *path = argv[2];
    int epochs = atoi(argv[3]), least = atoi(argv[6]), most = atoi(argv[7]);
    float rate = atof(argv[4]), drop = atof(argv[5]);
    char name[4096];
    snprintf(name, sizeof name, "%s/groups.bin", folder);
    FILE *f = fopen(name, "rb");
    need(f != NULL, name);
    groups = calloc(2 << 17, sizeof *groups);
    need(fread(groups, 8, 1 << 17, f) > 0, name);
    fclose(f);
    Texts sets[SETS], dev = load(folder, "dev");
    int total = 0;
    for (int s = 0; s < SETS; s++) sets[s] = load(folder, KINDS[s]), total += sets[s].paragraphs;
    uint32_t at[MOST];
    found = calloc(KEYS, 1);
    row_of = calloc(KEYS, sizeof *row_of);
    for (int s = 0; s < SETS; s++)
        for (int p = 0; PERCENT[s] == 100 && p < sets[s].paragraphs; p++)
            for (int i = 0, begin = sets[s].start[p]; i < sets[s].length[p]; i++) {
                int n = history(&sets[s], begin, sets[s].length[p], i, sets[s].mark + begin, at, around(&sets[s], begin, sets[s].length[p], i, at));
                for (int j = 0; j < n; j++) found[at[j]] += found[at[j]] < 255;
            }
    rows = 1;
    for (uint32_t key = 0; key < KEYS; key++)
        if (found[key] >= least) row_of[key] = rows++;
    weights = calloc((size_t)rows * CLASSES, sizeof *weights);
    squares = calloc(rows, sizeof *squares);
    int(*order)[2] = malloc(sizeof *order * total);
    for (int e = 0; e < epochs; e++) {
        int n = 0;
        for (int s = 0; s < SETS; s++)
            for (int p = 0; p < sets[s].paragraphs; p++)
                if ((int)(draw() % 100) < PERCENT[s]) order[n][0] = s, order[n++][1] = p;
        for (int i = n - 1; i > 0; i--) {
            int j = draw() % (i + 1), s = order[i][0], p = order[i][1];
            order[i][0] = order[j][0], order[i][1] = order[j][1], order[j][0] = s, order[j][1] = p;
        }
        float speed = rate * (1 - .9f * e / (epochs > 1 ? epochs - 1 : 1));
        uint32_t dropped = drop * 4294967295.;
        double loss = 0;
        long places = 0;
        for (int z = 0; z < n; z++) {
            Texts *t = &sets[order[z][0]];
            int begin = t->start[order[z][1]], length = t->length[order[z][1]];
            for (int i = 0; i < length; i++) {
                int want = t->mark[begin + i], all, kept = 0;
                if (want < 0) continue;
                all = rows_at(t, begin, length, i, t->mark + begin, at);
                for (int j = 0; j < all; j++)
                    if (draw() >= dropped) at[kept++] = at[j];
                float y[CLASSES], norm = 0;
                probabilities(at, kept, 1 / (1 - drop), y);
                loss -= logf(y[want] + 1e-9f), places++;
                y[want] -= 1;
                for (int c = 0; c < CLASSES; c++) norm += y[c] * y[c];
                if (norm < 1e-5f) continue;
                for (int j = 0; j < kept; j++) {
                    float *w = weights + (size_t)at[j] * CLASSES, step = speed / sqrtf((squares[at[j]] += norm) + .1f);
                    for (int c = 0; c < CLASSES; c++) w[c] -= step * y[c];
                }
            }
        }
        printf("epoch %d: loss %.4f;", e + 1, loss / places);
        if (e == 0 || e == epochs - 1) keep(path, most);
        printf(" F1 on dev %.4f\n", development(&dev));
        fflush(stdout);
    }
    return 0;
}
