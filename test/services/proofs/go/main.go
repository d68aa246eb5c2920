// Logverifier checks a transparency log with nothing but Go's own note and tlog packages.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const bundleEntries = 256
const maxAnswerBytes = 32 << 20

// source is a folder or an address below which `checkpoint` and `tile/…` stand.
type source struct{ base, token string }

func (s source) read(path string) ([]byte, error) {
	if !strings.HasPrefix(s.base, "http://") {
		return os.ReadFile(filepath.Join(s.base, path))
	}
	request, err := http.NewRequest("GET", s.base+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes))
}

// Height, ReadTiles and SaveTiles make a source a tlog.TileReader. C2SP leaves the height out of a tile's path.
func (s source) Height() int { return 8 }
func (s source) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		bytes, err := s.read("tile/" + strings.TrimPrefix(tile.Path(), "tile/8/"))
		if err != nil {
			return nil, err
		}
		all = append(all, bytes)
	}
	return all, nil
}
func (s source) SaveTiles([]tlog.Tile, [][]byte) {}

func openCheckpoint(bytes []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(bytes, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// entries are all leaves, each checked against the hash that the tiles, and so the checkpoint, have for it.
func entries(s source, tree tlog.Tree) ([]string, error) {
	reader := tlog.TileHashReader(tree, s)
	all := []string{}
	for first := int64(0); first < tree.N; first += bundleEntries {
		tile := tlog.Tile{H: 8, L: 0, N: first / bundleEntries, W: int(min(bundleEntries, tree.N-first))}
		bundle, err := s.read("tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/0/"))
		if err != nil {
			return nil, err
		}
		for at := first; at < first+int64(tile.W); at++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("entry %d is cut short", at)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, at)})
			if err != nil {
				return nil, err
			}
			if tlog.RecordHash(bundle[2:end]) != hashes[0] {
				return nil, fmt.Errorf("entry %d is not the one in the tree", at)
			}
			all = append(all, string(bundle[2:end]))
			bundle = bundle[end:]
		}
		if len(bundle) > 0 {
			return nil, errors.New("bytes after the last entry")
		}
	}
	return all, nil
}

// continues says whether the tree begins with the older one, by a proof made from the tiles.
func continues(s source, older, newer tlog.Tree) error {
	proof, err := tlog.ProveTree(newer.N, older.N, tlog.TileHashReader(newer, s))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash)
}

type givenProof struct {
	Index, Size, OldSize int64
	Root, OldRoot, Leaf  string
	Proof                []string
}

func hash(text string) tlog.Hash {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(bytes) != tlog.HashSize {
		fail(fmt.Errorf("%q is not a hash", text))
	}
	return tlog.Hash(bytes)
}

// check is the verdict on one proof that somebody else made: of inclusion if it names a leaf, else of consistency.
func (g givenProof) check() error {
	var proof []tlog.Hash
	for _, one := range g.Proof {
		proof = append(proof, hash(one))
	}
	if g.Leaf != "" {
		return tlog.CheckRecord(proof, g.Size, hash(g.Root), g.Index, hash(g.Leaf))
	}
	return tlog.CheckTree(proof, g.Size, hash(g.Root), g.OldSize, hash(g.OldRoot))
}

// judge prints one verdict per proof of a file.
func judge(file string) {
	text, err := os.ReadFile(file)
	fail(err)
	var given []givenProof
	fail(json.Unmarshal(text, &given))
	verdicts := []bool{}
	for _, one := range given {
		verdicts = append(verdicts, one.check() == nil)
	}
	fail(json.NewEncoder(os.Stdout).Encode(verdicts))
}

func fail(err error) {
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	base := flag.String("log", "", "folder or address of the log")
	key := flag.String("key", "", "verifier key of the log")
	token := flag.String("token", "", "bearer token, for an address")
	older := flag.String("older", "", "file with a checkpoint of before")
	proofs := flag.String("proofs", "", "file with proofs to judge, instead of a log")
	flag.Parse()
	if *proofs != "" {
		judge(*proofs)
		return
	}
	verifier, err := note.NewVerifier(*key)
	fail(err)
	log := source{*base, *token}
	text, err := log.read("checkpoint")
	fail(err)
	tree, err := openCheckpoint(text, verifier)
	fail(err)
	if *older != "" {
		text, err := os.ReadFile(*older)
		fail(err)
		before, err := openCheckpoint(text, verifier)
		fail(err)
		fail(continues(log, before, tree))
	}
	all, err := entries(log, tree)
	fail(err)
	fail(json.NewEncoder(os.Stdout).Encode(map[string]any{"size": tree.N, "entries": all}))
}
