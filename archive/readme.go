package archive

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"strings"

	"mailferry/transfer/mail"
)

const readmeSource = "Source: "

func readmeText(format Format, source string) string {
	text := `This directory is an archive of a mail account, made by mailferry.

Format: ` + string(format) + "\n"
	if source != "" {
		text += readmeSource + mail.Visible(source) + "\n"
	}
	return text + `
You do not need mailferry to read it. The directory above this one is a Maildir++ tree:
the INBOX is its cur/, any other folder a directory whose name begins with a dot. Each message is
one file in cur/ of its folder. mutt opens it as it is (mutt -f DIRECTORY), Dovecot with
mail_location = maildir:DIRECTORY, Python with mailbox.Maildir(DIRECTORY, factory=None).
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
The date of a file is the day the message arrived (INTERNALDATE).

What is in this directory:
  catalogue.db   SQLite. What each folder holds, where each message came from, its SHA-256, and which
                 messages were there, with which flags, after each run. Messages that the source has lost
                 stay in the archive and are marked as gone here.
  catalogue.copy the same, as it was after the last run
  lock           who writes the archive at the moment
  ledger.db      what the last runs did, so that the next is quick; it may be deleted

If the catalogue is lost, the next run makes it again from the files. Then these are not known any
more: which messages are gone, earlier states, the roles of folders, keywords beyond the first 26,
time zones of dates, and whether a file is still what the source had sent.
`
}

// readmeSourceIn finds the source that a README names.
func readmeSourceIn(path string) (string, error) {
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
		if source, ok := strings.CutPrefix(lines.Text(), readmeSource); ok {
			return source, nil
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
