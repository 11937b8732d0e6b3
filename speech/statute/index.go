package statute

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"sort"
	"sync"
)

// Index is an opened index. Its methods may be called from several goroutines at once, but not after Close.
type Index struct {
	data, buckets, postings, blocks []byte

	laws     []lawEntry
	articles int
	names    map[uint64][]int // hash of a name's sounds, read backwards -> laws
	longest  int              // syllables of the longest name
	unmap    func([]byte) error

	mu      sync.Mutex
	cache   map[int][]Article // of laws
	order   []int             // of the cache, the oldest first
	weights sync.Pool
	closed  bool
}

// lawEntry is a law without its articles.
type lawEntry struct {
	Law
	first, count         int // articles
	offset, length, size int
	checksum             uint32
	successor            string // day from which the next version applies; empty when this is the last
}

// cachedLaws bounds how many laws stay unpacked.
const cachedLaws = 256

// Open opens an index that [WriteFile] wrote. It is mapped into memory, so that opening takes no time and what isn't looked at no memory. Its
// errors wrap [ErrFormat] where the file is at fault.
func Open(path string) (*Index, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < headSize {
		return nil, fmt.Errorf("%s: %w: %d bytes", path, ErrFormat, info.Size())
	}
	b, unmap, err := mapped(f, int(info.Size()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	x, err := Parse(b)
	if err != nil {
		if unmap != nil {
			err = errors.Join(err, unmap(b))
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	x.unmap = unmap
	return x, nil
}

// Parse reads an index; b must not change afterwards. Its errors wrap [ErrFormat].
func Parse(b []byte) (*Index, error) {
	x, err := parseIndex(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return x, nil
}

func parseIndex(b []byte) (*Index, error) {
	if len(b) < headSize || string(b[:4]) != magic {
		return nil, fmt.Errorf("it does not begin with %q", magic)
	}
	if v := binary.LittleEndian.Uint16(b[4:]); v != formatVersion {
		return nil, fmt.Errorf("format version %d, this program reads %d: import the laws again", v, formatVersion)
	}
	word := func(i int) int { return int(binary.LittleEndian.Uint32(b[8+4*i:])) }
	laws, articles, postings := word(1), word(2), word(3)
	table := binary.LittleEndian.Uint64(b[24:])
	if laws < 1 || laws > maxLaws || articles < laws || articles > maxArticles || table > uint64(len(b)) ||
		uint64(headSize)+table+bucketSize+uint64(postings) > uint64(len(b)) {
		return nil, errors.New("truncated, or a number is out of range")
	}
	head, rest := b[:headSize], b[headSize:]
	if crc32.Update(crc32.Checksum(head[:headSize-4], castagnoli), castagnoli, rest[:table]) != binary.LittleEndian.Uint32(head[headSize-4:]) {
		return nil, errors.New("the checksum does not fit: the file is damaged")
	}
	if uint32(word(0)) != readings() {
		return nil, errors.New("it was made by a version of the program that reads characters differently: import the laws again")
	}
	x := &Index{data: b, articles: articles, cache: map[int][]Article{}}
	r := &reader{b: rest[:table]}
	rest = rest[table:]
	x.buckets, rest = rest[:bucketSize], rest[bucketSize:]
	x.postings, x.blocks = rest[:postings], rest[postings:]
	first := 0
	for range laws {
		l := lawEntry{Law: Law{Title: r.string(), Version: r.string(), Effective: r.string(), Source: r.string()}, first: first}
		l.count, l.offset, l.length, l.size = r.number(maxArticles), r.number(uint64(len(x.blocks))), r.number(uint64(len(x.blocks))), r.number(maxBlock)
		l.checksum = r.uint32()
		if r.err != nil {
			return nil, r.err
		}
		if l.offset+l.length > len(x.blocks) || l.count > l.size {
			return nil, fmt.Errorf("law %d: a number is out of range", len(x.laws))
		}
		first += l.count
		x.laws = append(x.laws, l)
	}
	if first != articles {
		return nil, fmt.Errorf("%d articles, but the laws have %d", articles, first)
	}
	x.weights.New = func() any { return &votes{of: make([]float32, articles)} }
	x.succeed()
	x.learnNames()
	return x, nil
}

// succeed notes of each version until when it applies.
func (x *Index) succeed() {
	byName := map[string][]int{}
	for i := range x.laws {
		byName[name(x.laws[i].Title)] = append(byName[name(x.laws[i].Title)], i)
	}
	for _, versions := range byName {
		slices.SortFunc(versions, func(a, b int) int { return compareLaws(x.laws[a], x.laws[b]) })
		for i := 1; i < len(versions); i++ {
			x.laws[versions[i]].successor = x.laws[versions[i-1]].Effective
		}
	}
}

// inForce tells whether a version applies on a day.
func (l *lawEntry) inForce(day string) bool {
	return (day == "" || l.Effective <= day) && (l.successor == "" || day != "" && day < l.successor)
}

// Laws is how many versions of laws the index holds, Articles how many provisions.
func (x *Index) Laws() int { return len(x.laws) }

// Articles is how many provisions the index holds.
func (x *Index) Articles() int { return x.articles }

// Each calls f with every provision, law by law, until it returns false.
func (x *Index) Each(f func(Provision) bool) error {
	for i := range x.laws {
		articles, err := x.unpacked(i)
		if err != nil {
			return err
		}
		for j := range articles {
			if !f(x.provision(i, articles[j])) {
				return nil
			}
		}
	}
	return nil
}

func (x *Index) provision(law int, a Article) Provision {
	l := &x.laws[law]
	return Provision{Law: l.Title, Version: l.Version, Effective: l.Effective, Article: a}
}

// lawOf finds the law that an article belongs to.
func (x *Index) lawOf(article int) int {
	return sort.Search(len(x.laws), func(i int) bool { return x.laws[i].first+x.laws[i].count > article })
}

// unpacked returns a law's articles.
func (x *Index) unpacked(law int) ([]Article, error) {
	x.mu.Lock()
	articles, ok := x.cache[law]
	x.mu.Unlock()
	if ok {
		return articles, nil
	}
	l := &x.laws[law]
	articles, err := unpack(x.blocks[l.offset:l.offset+l.length], l.size, l.checksum, l.count)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Title, err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, ok := x.cache[law]; !ok {
		if len(x.order) >= cachedLaws {
			delete(x.cache, x.order[0])
			x.order = x.order[1:]
		}
		x.cache[law] = articles
		x.order = append(x.order, law)
	}
	return articles, nil
}

// holders calls f with every article that holds a run of syllables, and returns how many these are; f may be nil.
func (x *Index) holders(key uint32, f func(article uint32)) int {
	bucket := key >> (32 - bucketBits)
	from, to := binary.LittleEndian.Uint32(x.buckets[4*bucket:]), binary.LittleEndian.Uint32(x.buckets[4*bucket+4:])
	if from > to || int(to) > len(x.postings) {
		return 0
	}
	b, low := x.postings[from:to], uint16(key&(1<<(32-bucketBits)-1))
	for len(b) >= 3 {
		here := binary.LittleEndian.Uint16(b)
		b = b[2:]
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return 0
		}
		b = b[size:]
		if here == low && f == nil {
			return int(min(n, uint64(x.articles)))
		}
		at := uint64(0)
		for range n {
			d, size := binary.Uvarint(b)
			if size <= 0 {
				return 0
			}
			b = b[size:]
			if at += d; at >= uint64(x.articles) {
				return 0
			}
			if here == low {
				f(uint32(at))
			}
		}
		if here == low {
			return int(n)
		}
	}
	return 0
}

// Close gives the mapped memory back. It is idempotent.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	if x.unmap == nil {
		return nil
	}
	return x.unmap(x.data)
}
