package archive

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"strings"

	"mailferry/transfer/mail"
)

// The lines of a README that are read again.
const (
	readmeFormat = "Format: "
	readmeSource = "Source: "
)

func readmeText(format Format, source string) string {
	text := `This directory is an archive of a mail account, made by mailferry.

` + readmeFormat + string(format) + "\n"
	if source != "" {
		text += readmeSource + mail.Visible(source) + "\n"
	}
	if format == MBox {
		return text + readmeMBox + readmeOwn
	}
	return text + readmeMaildir + readmeOwn
}

const readmeMaildir = `
You do not need mailferry to read it. The directory above this one is a Maildir++ tree:
the INBOX is its cur/, any other folder a directory whose name begins with a dot. Each message is
one file in cur/ of its folder. mutt opens it as it is (mutt -f DIRECTORY), Dovecot with
mail_location = maildir:DIRECTORY, Python with mailbox.Maildir(DIRECTORY, factory=None). They
show this directory too, as an empty folder "mailferry".
Without any of these: every file is the text of one message.

What the parts of a file name mean:
  <unixtime>.M<usec>P<pid>   when the file was written
  V<n>U<n>F<hash>            UIDVALIDITY and UID the message had at the source, and the first
                             32 bits of the SHA-256 of the name of its folder there
  E                          the file holds the message's exact octets; without the E its lines end
                             in LF, and with CRLF instead they are exactly what the source had
  ,S=<n>,W=<n>               octets of the file, and with all line ends as CRLF
  :2,<letters>               S seen, R answered, F flagged, T deleted, D draft, a to z the
                             keywords listed in dovecot-keywords beside cur/
The date of a file is the day the message arrived (INTERNALDATE). In names of directories
"." stands between a folder and its child, other letters are in modified UTF-7 (RFC 3501), and %XX
is the octet XX.
`

const readmeMBox = `
You do not need mailferry to read it. Each folder is one file in the directory above this one,
INBOX.mbox and so on, with its children in the directory of its name. mutt opens a file as it
is (mutt -f INBOX.mbox), Python with mailbox.mbox("INBOX.mbox"). In names %XX is the octet XX.

The files are "mboxrd": a message begins with a line "From ", a line of the message that begins with
"From ", or with ">From ", has one ">" more than it had, and lines end in LF. After the From_ line
stand five lines that are not part of the message: Status, X-Status and X-Keywords are its flags, X-UID
and X-Mailferry say: UIDVALIDITY and UID at the source, octets, SHA-256, the day it arrived, and
how the lines end: crlf (with CRLF instead of LF they are exactly what the source had), nofinal (the
same without the last line end) or exact (as they stand here). A message with X-Superseded instead was
damaged; it was fetched again and stands further down.
`

const readmeOwn = `
What is in this directory:
  catalogue.db   SQLite. What each folder holds, where each message came from, its SHA-256, and which
                 messages were there, with which flags, after each run. Messages that the source has lost
                 stay in the archive and are marked as gone here.
  catalogue.copy the same, as it was after the last run
  lock           who writes the archive at the moment
  replaced       damaged files of messages that were fetched again; they may be deleted
  ledger.db      what the last runs did, so that the next is quick; it may be deleted

If the catalogue is lost, the next run makes it again from the files. Then these are not known any
more: which messages are gone, earlier states, the roles of folders, flags that the format has no
room for, time zones of dates, and whether a file is still what the source had sent.
`

// readmeValue finds what a README says behind a name; "" if nothing.
func readmeValue(path, name string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name); ok {
			return value, nil
		}
	}
	return "", lines.Err()
}

// writeReadme replaces the README, so that it is there whole or as before.
func (a *Archive) writeReadme(source string) error {
	return replace(a.own("README"), readmeText(a.format.name(), source))
}

func replace(path, text string) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, path)
}
