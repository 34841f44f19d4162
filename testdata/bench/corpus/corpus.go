// Package corpus makes the accounts that the benchmark moves: the same messages
// under the same names in every run, on every machine.
package corpus

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Corpus says what an account holds.
type Corpus struct {
	Name    string
	Folders []Folder
	size    func(*rand.Rand) int
	seed    uint64
}

// Folder is one mailbox with so many messages.
type Folder struct {
	Name     string // UTF-8, "/" between levels
	Messages int
}

// Named returns the corpus of that name.
func Named(name string) (Corpus, error) {
	for _, c := range all() {
		if c.Name == name {
			return c, nil
		}
	}
	return Corpus{}, fmt.Errorf("there is no corpus %q", name)
}

func all() []Corpus {
	return []Corpus{
		{Name: "small", Folders: spread(10_000, office()), size: around(3900), seed: 1},
		{Name: "real", Folders: spread(2000, office()), size: logNormal(12_900, 60_000), seed: 2},
		{Name: "lat", Folders: spread(400, office()), size: logNormal(12_900, 60_000), seed: 3},
		{Name: "tiny", Folders: even(100_000, 6), size: around(430), seed: 4},
		{Name: "million", Folders: []Folder{{"INBOX", 1_000_000}}, size: around(430), seed: 5},
		{Name: "large", Folders: even(10, 4), size: exactly(50 << 20), seed: 6},
		{Name: "huge", Folders: []Folder{{"INBOX", 1}}, size: exactly(150 << 20), seed: 7},
	}
}

// Messages counts all folders' messages.
func (c Corpus) Messages() int {
	n := 0
	for _, f := range c.Folders {
		n += f.Messages
	}
	return n
}

// office are the folders of somebody who sorts mail; the last stays empty.
func office() []string {
	return []string{
		"INBOX", "Sent", "Archive", "Archive/2024", "Archive/2023", "Archive/2022", "Archive/2021",
		"Archive/2020", "Archive/2019", "Lists", "Lists/golang-nuts", "Lists/imap-protocol", "Lists/日本語",
		"Kunden", "Kunden/Müller", "Kunden/Müller/2023", "Kunden/Ärzte", "Projekte", "Projekte/Entwürfe",
		"Projekte/Größe & Maß", "R&D", "Reisen", "Junk", "Trash", "Drafts", "Leer",
	}
}

// spread gives the first folders most of the messages and the last none.
func spread(messages int, names []string) []Folder {
	var sum float64
	for i := range len(names) - 1 {
		sum += 1 / float64(i+2)
	}
	out := make([]Folder, len(names))
	left := messages
	for i, name := range names {
		out[i] = Folder{Name: name}
		if i < len(names)-1 {
			out[i].Messages = int(float64(messages) / float64(i+2) / sum)
		}
		left -= out[i].Messages
	}
	out[0].Messages += left
	return out
}

func even(messages, folders int) []Folder {
	out := []Folder{{"INBOX", messages/folders + messages%folders}}
	for i := 1; i < folders; i++ {
		out = append(out, Folder{fmt.Sprintf("Folder %d", i), messages / folders})
	}
	return out
}

func around(n int) func(*rand.Rand) int {
	return func(r *rand.Rand) int { return n - n/20 + r.IntN(n/10) }
}

func exactly(n int) func(*rand.Rand) int { return func(*rand.Rand) int { return n } }

// logNormal draws sizes as they are in real accounts: half of the messages are
// smaller than median, and few large ones make the mean.
func logNormal(median, mean float64) func(*rand.Rand) int {
	sigma := math.Sqrt(2 * math.Log(mean/median))
	return func(r *rand.Rand) int {
		n := median * math.Exp(sigma*r.NormFloat64())
		return int(min(max(n, 700), 8<<20))
	}
}
