package servertest

import (
	"math/rand/v2"
	"time"

	"mailferry/transfer/mail"
)

// Corpus is a mailbox to be put on a server.
type Corpus struct{ Folders []Folder }

// Folder is a folder of a Corpus. A NoSelect folder is not made by itself: it
// comes into being, or not, as the parent of another.
type Folder struct {
	Components []string
	Role       string
	Subscribed bool
	NoSelect   bool
	Messages   []Message
}

// Path is the folder's name.
func (f Folder) Path() mail.Path { return mail.NewPath(f.Components...) }

// Message is a message of a Corpus. Raw makes its octets anew at every call,
// always the same.
type Message struct {
	Flags []string
	Date  time.Time
	Raw   func() []byte
}

// CorpusOptions leave out what a server cannot hold. The zero value is the
// whole corpus: over 2,000 messages and about 120 MB.
type CorpusOptions struct {
	Seed          uint64 // equal seeds give equal corpora
	Small         bool   // caps the sizes: about 6 MB in all
	Few           bool   // an eighth of the messages, and every kind of them
	NoEmoji       bool   // names stay within the Basic Multilingual Plane
	NoQuotes      bool   // no name holds a double quote
	NoBareLineEnd bool   // every CR is followed by LF and every LF preceded by CR
	NoEmpty       bool   // no message of zero octets
	NoNoSelect    bool   // parents are folders themselves
	Extra         []Folder
}

// Messages counts the messages of all folders.
func (c *Corpus) Messages() int {
	n := 0
	for _, f := range c.Folders {
		n += len(f.Messages)
	}
	return n
}

// NewCorpus makes a mailbox that has everything that is known to go wrong:
// nested and odd names, every flag and many keywords, duplicates and lookalikes,
// and messages of odd shapes and sizes.
func NewCorpus(o CorpusOptions) *Corpus {
	g := &generator{o: o}
	g.ordinary()
	g.names()
	g.flagged()
	g.duplicates()
	g.lookalikes()
	g.large()
	g.odd()
	g.folders = append(g.folders, o.Extra...)
	return &Corpus{Folders: g.folders}
}

type generator struct {
	o       CorpusOptions
	folders []Folder
	serial  uint64 // of the last message; its random numbers start from it
}

// add appends a subscribed folder and returns it for changes; the pointer holds
// until the next add.
func (g *generator) add(messages []Message, components ...string) *Folder {
	g.folders = append(g.folders, Folder{Components: components, Subscribed: true, Messages: messages})
	return &g.folders[len(g.folders)-1]
}

// random is a source of its own for the next message.
func (g *generator) random() *rand.Rand {
	g.serial++
	return rand.New(rand.NewPCG(g.o.Seed, g.serial))
}

// some scales a number of messages.
func (g *generator) some(n int) int {
	if g.o.Few {
		return max(n/8, 1)
	}
	return n
}

func (g *generator) ordinary() {
	g.add(g.letters(300), "INBOX")
	g.add(g.letters(200), "Sent").Role = string(mail.RoleSent)
	g.add(withFlag(g.letters(20), mail.Draft), "Drafts").Role = string(mail.RoleDrafts)
	g.add(withFlag(g.letters(40), mail.Deleted), "Trash").Role = string(mail.RoleTrash)
	g.add(g.letters(60), "Junk").Role = string(mail.RoleJunk)
	g.add(g.letters(50), "Archive").Role = string(mail.RoleArchive)
	for _, year := range []string{"2019", "2020", "2021", "2022", "2023", "2024"} {
		g.add(g.letters(90), "Archive", year)
	}
	g.add(g.letters(250), "Lists", "golang-nuts")
	g.add(g.letters(250), "Lists", "debian-devel").Subscribed = false
	if !g.o.NoNoSelect {
		lists := g.add(nil, "Lists")
		lists.NoSelect, lists.Subscribed = true, false
	}
	g.add(nil, "Empty")
}

func (g *generator) names() {
	g.add(g.letters(30), "Größe & Maß")
	g.add(g.letters(30), "Größe & Maß", "Übersicht")
	g.add(g.letters(30), "R&D")
	g.add(g.letters(20), "R&D", "&-&")
	g.add(g.letters(30), "日本語")
	g.add(g.letters(30), "日本語", "受信箱")
	g.add(g.letters(20), "Почта", "Договоры 2021")
	g.add(g.letters(20), "Two  spaces")
	g.add(g.letters(20), "a+b~c=d (e) [f]")
	g.add(g.letters(20), "Deep", "er", "and", "deeper", "still")
	if !g.o.NoNoSelect {
		for _, path := range [][]string{{"Почта"}, {"Deep"}, {"Deep", "er"}, {"Deep", "er", "and"}, {"Deep", "er", "and", "deeper"}} {
			parent := g.add(nil, path...)
			parent.NoSelect, parent.Subscribed = true, false
		}
	}
	if !g.o.NoEmoji {
		g.add(g.letters(20), "Post 📬😀")
	}
	if !g.o.NoQuotes {
		g.add(g.letters(20), `Say "hello"`)
	}
}
