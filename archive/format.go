package archive

import (
	"io"

	"mailferry/archive/catalogue"
	"mailferry/transfer/mail"
)

// format is what the two formats do differently. A place is where a message's octets are, in
// words that only the format reads.
type format interface {
	name() Format
	// makeOwn makes the archive's own directory, if need be.
	makeOwn() error
	// dir names the place of a new folder. existing are those of all others.
	dir(path mail.Path, existing map[mail.Path]string) string
	// make creates folders, by their places, and makes them durable. One that is there is no error.
	make(folders map[string]mail.Path) error
	// folders calls fn for each folder that is there.
	folders(fn func(dir string, path mail.Path) error) error
	// subscribe records the directories of all folders that are subscribed.
	subscribe(dirs []string) error
	// subscribed returns what subscribe recorded.
	subscribed() ([]string, error)

	// where says for people where a message is.
	where(dir, place string) string

	// box opens a folder to be written. What known yields is never taken for what a crash has left.
	box(f catalogue.Folder, known places) (box, error)
	shelf(dir string) shelf
	// mend puts away what a writer that was killed has left behind.
	mend(f catalogue.Folder, known places) error
	// survey compares a folder with the messages known to be in it.
	survey(f catalogue.Folder, known places) (found, error)
}

// box is a folder that takes messages in.
type box interface {
	// stage writes a message where no reader looks.
	stage(m *mail.Message) (catalogue.Message, error)
	// commit makes what is staged durable and puts it into the folder.
	commit() error
	// replace stages a message, whose InternalDate is set, for the place of one that is damaged or missing.
	replace(place string, m *mail.Message) (catalogue.Message, error)
	// drop takes back what is staged.
	drop() error
	// setFlags makes other programs see flags, as far as the format can say them,
	// and returns the place from then on.
	setFlags(place string, flags mail.Flags) (string, error)
	syncFlags() error
	// stamp is where the newest message ends, in the words of the format.
	stamp() int64
	close() error
}

// shelf is a folder whose messages can be read. One goroutine at a time uses it.
type shelf interface {
	// open yields the octets of the message; fs.ErrNotExist if there is none.
	open(place string) (io.ReadCloser, error)
	// glance is the quick way to the octets of a message that is whole and where it should be. It uses
	// buf if that has the room. What it returns has to be checked.
	glance(place string, size int64, buf []byte) ([]byte, bool)
	// forget makes open look for what is not at its place as if for the first time.
	forget()
	close() error
}

// places yields what the catalogue knows of a folder.
type places func(fn func(uid mail.UID, place string) error) error

// found is how a folder differs from its catalogue.
type found struct {
	ours    []stray    // messages of ours that are not recorded, in their order
	foreign []string   // places of what is not ours
	missing []mail.UID // recorded, and not there
	// read is what the files tell of a message of ours.
	read func(place string) (catalogue.Message, error)
}

// stray is a message that the catalogue does not have.
type stray struct {
	stamp int64
	place string
}
